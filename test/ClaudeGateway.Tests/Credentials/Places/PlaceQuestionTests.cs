using ClaudeGateway.Config;
using ClaudeGateway.Credentials.Places;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials.Places;

/// <summary>Where a region or project comes from that nobody configured.</summary>
public sealed class PlaceQuestionTests : IDisposable
{
    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task The_region_comes_from_the_environment_else_the_profile_else_the_instance()
    {
        await using var instance = Instance("eu-central-2");
        Profiles("[default]\nregion = ca-west-1\n[profile other]\nregion = sa-east-1\n");
        var metadata = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.Url.ToString());

        Assert.Equal(
            new FoundPlace("us-east-2", "AWS_REGION"),
            await RegionAsync(("AWS_REGION", "us-east-2"), ("AWS_DEFAULT_REGION", "us-west-1"), metadata));
        Assert.Equal(
            new FoundPlace("us-west-1", "AWS_DEFAULT_REGION"),
            await RegionAsync(("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-west-1"), metadata));
        Assert.Equal("ca-west-1", (await RegionAsync(File(), metadata)).Value);
        Assert.Equal("sa-east-1", (await RegionAsync(File(), ("AWS_PROFILE", "other"), metadata)).Value);
        Assert.Empty(instance.Requests);

        Assert.Equal("eu-central-2", (await RegionAsync(metadata)).Value);
        Assert.Equal(
            ["PUT /latest/api/token", "GET /latest/meta-data/placement/region"],
            instance.Requests.Select(request => $"{request.Method} {request.Path}"));
        Assert.Equal("IMDS", instance.Requests[1].Header("x-aws-ec2-metadata-token"));
    }

    [Fact]
    public async Task Without_a_region_all_that_was_asked_is_named_and_an_instance_only_asked_if_it_may_be()
    {
        await using var instance = Instance("eu-central-2");
        Profiles("[default]\noutput = json\n");
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => RegionAsync(
                File(),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.Url.ToString()),
                ("AWS_EC2_METADATA_DISABLED", "true")));
        Assert.Equal(
            "AWS_REGION (upstreams[0].region): is not set, and nothing else names the AWS region. Asked in this order: "
                + "AWS_REGION (not set); AWS_DEFAULT_REGION (not set); profile 'default' of the shared AWS files (has no "
                + "region); the EC2 instance metadata service (is turned off). Set AWS_REGION",
            failure.Message);
        Assert.Empty(instance.Requests);
    }

    [Theory]
    [InlineData("evil.example.com/")]
    [InlineData("<html>welcome to the hotel</html>")]
    [InlineData("")]
    public async Task An_instance_s_answer_that_is_no_region_becomes_no_part_of_a_host_name(string answer)
    {
        await using var instance = Instance(answer);
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => RegionAsync(("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.Url.ToString())));
        Assert.DoesNotContain("evil", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_that_does_not_answer_is_not_waited_for_longer_than_three_seconds()
    {
        await using var instance = new FakeServer(e => e.StallAsync());
        var clock = new ManualTimeProvider();
        using var calls = Calls(clock, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.Url.ToString()));
        var asking = new AwsRegion(calls.Environment).FindAsync("upstreams[0].region", calls.CredentialHttp, default);
        await instance.RequestCountAsync(1);
        clock.Advance(TimeSpan.FromSeconds(3));
        var failure = await Assert.ThrowsAsync<OperatorException>(() => asking);
        Assert.Contains("did not answer", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_project_comes_from_the_environment_the_credentials_or_the_metadata_server()
    {
        await using var server = new FakeServer(e => e.RespondAsync(
            e.Request.Path == "/computeMetadata/v1/project/project-id"
            && e.Request.Header("metadata-flavor") == "Google" ? 200 : 404,
            "of-machine"));
        var metadata = ("GCE_METADATA_HOST", $"127.0.0.1:{server.Port}");

        Assert.Equal("of-env", (await ProjectAsync(("GOOGLE_CLOUD_PROJECT", "of-env"), metadata)).Value);
        var both = Credentials("""{"project_id":"of-key","quota_project_id":"billed"}""");
        Assert.Equal("of-key", (await ProjectAsync(both, metadata)).Value);
        Assert.Equal("billed", (await ProjectAsync(Credentials("""{"quota_project_id":"billed"}"""), metadata)).Value);
        Assert.Empty(server.Requests);

        Assert.Equal("of-machine", (await ProjectAsync(Credentials("{}"), metadata)).Value);
        Assert.Equal(new FoundPlace("of-machine", "Google's metadata server"), await ProjectAsync(metadata));
    }

    [Theory]
    [InlineData("""{"project_id":"../../x"}""", "what it says is no Google Cloud project")]
    [InlineData("not json", "is not JSON")]
    [InlineData("[]", "has neither")]
    public async Task Without_a_project_every_place_that_was_asked_is_named(string credentials, string why)
    {
        await using var server = new FakeServer(e => e.RespondAsync(404, "no"));
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => ProjectAsync(Credentials(credentials), ("GCE_METADATA_HOST", $"127.0.0.1:{server.Port}")));
        Assert.StartsWith("GOOGLE_CLOUD_PROJECT (upstreams[0].project_id): is not set", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Contains("Google's metadata server (http://127.0.0.1", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_that_are_not_there_are_named()
    {
        await using var server = new FakeServer(e => e.RespondAsync(404, "no"));
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => ProjectAsync(
                ("GOOGLE_APPLICATION_CREDENTIALS", _home.File("gone.json")),
                ("GCE_METADATA_HOST", $"127.0.0.1:{server.Port}")));
        Assert.Contains("gone.json (cannot be read", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_touches_no_service_goes_on_with_what_is_known_here()
    {
        UpstreamConfig[] upstreams =
        [
            new BedrockUpstreamConfig { Region = "" }, new BedrockUpstreamConfig { Region = "us-east-1" },
            new VertexUpstreamConfig { Region = "global", ProjectId = "" },
        ];
        var none = UpstreamPlaces.FindHere(upstreams, Environment());
        Assert.Equal("unknown", ((BedrockUpstreamConfig)none.Upstreams[0]).Region);
        Assert.Same(upstreams[1], none.Upstreams[1]);
        Assert.Equal("unknown", ((VertexUpstreamConfig)none.Upstreams[2]).ProjectId);
        Assert.Equal(2, none.Notes.Count);

        var all = UpstreamPlaces.FindHere(
            upstreams, Environment(("AWS_REGION", "us-east-2"), ("GOOGLE_CLOUD_PROJECT", "p")));
        Assert.Equal("us-east-2", ((BedrockUpstreamConfig)all.Upstreams[0]).Region);
        Assert.Equal("p", ((VertexUpstreamConfig)all.Upstreams[2]).ProjectId);
        Assert.Empty(all.Notes);
    }

    private static FakeServer Instance(string region) => new(e => e.RespondAsync(
        200, e.Request.Path == "/latest/api/token" ? "IMDS" : region));

    private (string, string) File() => ("AWS_SHARED_CREDENTIALS_FILE", _home.File("aws"));

    /// <summary>Either of AWS's files may name a region; the SDK looks for the other one in the real home.</summary>
    private void Profiles(string text) =>
        System.IO.File.WriteAllText(_home.File("aws"), text.Replace("[profile ", "[", StringComparison.Ordinal));

    private (string, string) Credentials(string json)
    {
        var file = _home.File($"{Guid.NewGuid():N}.json");
        System.IO.File.WriteAllText(file, json);
        return ("GOOGLE_APPLICATION_CREDENTIALS", file);
    }

    private async Task<FoundPlace> RegionAsync(params (string, string)[] variables)
    {
        using var calls = Calls(null, variables);
        return await new AwsRegion(calls.Environment).FindAsync("upstreams[0].region", calls.CredentialHttp, default);
    }

    private async Task<FoundPlace> ProjectAsync(params (string, string)[] variables)
    {
        using var calls = Calls(null, variables);
        return await new GoogleProject(calls.Environment).FindAsync(
            "upstreams[0].project_id", calls.CredentialHttp, default);
    }

    private CloudCalls Calls(TimeProvider? clock, params (string Name, string Value)[] variables) =>
        new(All(variables), clock);

    private ProcessEnvironment Environment(params (string Name, string Value)[] variables) => new(All(variables));

    /// <summary>A home of its own, so that the files of whoever runs the test do not count.</summary>
    private Dictionary<string, string> All((string Name, string Value)[] variables) =>
        variables.Append(("HOME", _home.Path)).ToDictionary(variable => variable.Item1, variable => variable.Item2);
}
