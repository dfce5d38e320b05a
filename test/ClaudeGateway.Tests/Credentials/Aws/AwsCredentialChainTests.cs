using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials.Aws;

public sealed class AwsCredentialChainTests : IDisposable
{
    private const string Keys =
        """{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"secret","Token":"TOKEN","Expiration":"2099-01-01T00:00:00Z"}""";

    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Keys_of_the_environment_come_first()
    {
        Profile("default", "FILE");
        var lease = await ResolveAsync(
            ("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t"));
        Assert.Equal(("ENV", "t", null), (lease.Value.AccessKeyId, lease.Value.SessionToken, lease.ExpiresAt));
    }

    [Fact]
    public async Task A_named_profile_says_which_credentials_are_meant()
    {
        Profile("other", "OTHER");
        var lease = await ResolveAsync(
            ("AWS_PROFILE", "other"), ("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"));
        Assert.Equal("OTHER", lease.Value.AccessKeyId);
        Assert.NotNull(lease.RereadAfter);
    }

    [Fact]
    public async Task A_container_is_asked_with_its_authorization()
    {
        await using var service = new FakeServer(e => e.RespondAsync(200, Keys));
        var tokenFile = _home.File("token");
        await File.WriteAllTextAsync(tokenFile, "from-file\n");
        var lease = await ResolveAsync(
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.Url + "creds"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", tokenFile));

        Assert.Equal(
            ("ASIA", "TOKEN", 2099), (lease.Value.AccessKeyId, lease.Value.SessionToken, lease.ExpiresAt!.Value.Year));
        Assert.Equal("from-file", service.Requests[0].Header("authorization"));
    }

    [Theory]
    [InlineData("http://example.com/creds")]
    [InlineData("http://10.0.0.1/creds")]
    [InlineData("ftp://127.0.0.1/creds")]
    public async Task A_container_address_that_could_leak_the_authorization_is_refused(string address) =>
        await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => ResolveAsync(("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)));

    [Fact]
    public async Task An_instance_is_asked_with_a_session_token()
    {
        await using var metadata = new FakeServer(e => e.RespondAsync(200, e.Request.Path switch
        {
            "/latest/api/token" => "IMDS",
            "/latest/meta-data/iam/security-credentials/" => "my-role\n",
            "/latest/meta-data/iam/security-credentials/my-role" => Keys,
            _ => "",
        }));
        var lease = await ResolveAsync(
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.Url.ToString()), ("AWS_EC2_METADATA_DISABLED", "false"));

        Assert.Equal("ASIA", lease.Value.AccessKeyId);
        Assert.Equal("PUT", metadata.Requests[0].Method);
        Assert.All(metadata.Requests.Skip(1), r => Assert.Equal("IMDS", r.Header("x-aws-ec2-metadata-token")));
    }

    [Fact]
    public async Task An_instance_that_does_not_answer_is_not_waited_for()
    {
        await using var metadata = new FakeServer(e => e.StallAsync());
        var clock = new ManualTimeProvider();
        var resolving =
            ResolveAsync(clock, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.Url.ToString()),
            ("AWS_EC2_METADATA_DISABLED", "false"));
        await metadata.RequestCountAsync(1);

        clock.Advance(TimeSpan.FromSeconds(3));

        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(() => resolving);
        Assert.Contains("did not answer", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"Code":"AssumeRoleUnauthorizedAccess"}""")]
    [InlineData("not json")]
    public async Task A_service_without_credentials_is_named(string answer)
    {
        await using var service = new FakeServer(e => e.RespondAsync(200, answer));
        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => ResolveAsync(("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.Url + "creds")));
        Assert.Contains("container", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_web_identity_is_exchanged_at_STS()
    {
        const string answer = """
            <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <AssumeRoleWithWebIdentityResult><Credentials>
            <AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
            </Credentials></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>
            """;
        await using var sts = new FakeServer(e => e.RespondAsync(200, answer, ("content-type", "text/xml")));
        var token = _home.File("web-token");
        await File.WriteAllTextAsync(token, "JWT\n");
        var lease = await ResolveAsync(
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gw"),
            ("AWS_ENDPOINT_URL_STS", sts.Url.ToString()));

        Assert.Equal(
            ("WEB", "T", 2099), (lease.Value.AccessKeyId, lease.Value.SessionToken, lease.ExpiresAt!.Value.Year));
        var form = sts.Requests[0].Form;
        Assert.Equal(
            ("AssumeRoleWithWebIdentity", "JWT", RoleSessionName.Shared),
            (form["Action"], form["WebIdentityToken"], form["RoleSessionName"]));
        Assert.Null(sts.Requests[0].Header("authorization"));
    }

    [Fact]
    public async Task A_refusal_of_STS_ends_the_search_and_is_not_repeated()
    {
        await using var sts = new FakeServer(
            e =>
                e.RespondAsync(
                    403,
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
                    ("content-type", "text/xml")));
        var token = _home.File("web-token");
        await File.WriteAllTextAsync(token, "JWT");
        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(() =>
            ResolveAsync(
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
                ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gw"),
                ("AWS_ENDPOINT_URL_STS", sts.Url.ToString())));

        Assert.Contains("AccessDenied", failure.Message, StringComparison.Ordinal);
        Assert.Single(sts.Requests);
    }

    [Fact]
    public async Task Without_any_source_the_operator_is_told_what_to_set_up()
    {
        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(() => ResolveAsync());
        Assert.Contains("AWS_ACCESS_KEY_ID", failure.Message, StringComparison.Ordinal);
    }

    private void Profile(string name, string id)
    {
        Directory.CreateDirectory(Path.Combine(_home.Path, ".aws"));
        File.WriteAllText(
            Path.Combine(_home.Path, ".aws", "credentials"),
            $"[{name}]\naws_access_key_id = {id}\naws_secret_access_key = s\n");
    }

    private Task<Lease<AwsCredentials>> ResolveAsync(params (string Name, string Value)[] environment) =>
        ResolveAsync(TimeProvider.System, environment);

    private async Task<Lease<AwsCredentials>> ResolveAsync(TimeProvider clock,
        params (string Name, string Value)[] environment)
    {
        var all = new Dictionary<string, string>
        {
            ["HOME"] = _home.Path,
            ["AWS_EC2_METADATA_DISABLED"] = "true",
            ["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(_home.Path, ".aws", "credentials"),
        };
        foreach (var (name, value) in environment)
        {
            all[name] = value;
        }

        using var calls = new CloudCalls(all, clock);
        return await new AwsCredentialChain(calls.Environment, calls.CredentialHttp)
            .ResolveAsync(CancellationToken.None);
    }
}
