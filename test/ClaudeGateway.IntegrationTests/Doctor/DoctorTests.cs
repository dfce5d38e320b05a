using ClaudeGateway.Cli.Doctor;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Doctor;

public sealed class DoctorTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly CapturedLog _log = new();

    [Fact]
    public async Task What_works_is_said_to_work_and_nothing_is_billed()
    {
        await using var collector = new FakeServer(e => e.RespondAsync(200, ""));
        _upstream.NextError(400, "invalid_request_error", "messages: at least one message is required");
        var config = TestConfig.Create(_idp, [_upstream], await PostgresServer.NewDatabaseAsync()) with
        {
            Telemetry = new TelemetryConfig { ForwardTo = [new TelemetryDestination { Url = collector.Url }] },
        };

        var findings = await ExamineAsync(config);

        Assert.All(findings, finding => Assert.True(finding.IsWell, finding.Text));
        Assert.Equal(4, findings.Count);
        Assert.Equal(0, _upstream.Requests[0].Json.GetProperty("messages").GetArrayLength());
        Assert.Empty(collector.Requests[0].Body);
    }

    [Theory]
    [InlineData(401, "auth.api_key")]
    [InlineData(403, "Azure AI User")]
    [InlineData(404, "deployment")]
    public async Task What_to_grant_is_named(int status, string advice)
    {
        _upstream.NextError(status);
        var finding = await UpstreamFindingAsync(new FoundryUpstreamConfig
        {
            Name = "azure",
            BaseUrl = _upstream.Url,
            Resource = "example",
            ApiKey = new Secret("KEY"),
        });

        Assert.False(finding.IsWell);
        Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "anthropic.claude-haiku-4-5-20251001-v1:0", "set inference_profile of this upstream, to eu")]
    [InlineData(
        "Apac", "apac.anthropic.claude-haiku-4-5-20251001-v1:0", "choose another inference_profile")]
    public async Task A_model_that_needs_an_inference_profile_is_told_with_the_key_that_gives_it(
        string? profile, string id, string advice)
    {
        _upstream.Next(e => e.RespondJsonAsync(400, new
        {
            message = "Invocation of model ID " + id + " with on-demand throughput isn’t supported. Retry your "
                + "request with the ID or ARN of an inference profile that contains this model.",
        }));
        var finding = await UpstreamFindingAsync(
            Bedrock(profile is null ? null : Enum.Parse<InferenceProfile>(profile)));

        Assert.False(finding.IsWell);
        Assert.Contains(id, finding.Text, StringComparison.Ordinal);
        Assert.Contains("on-demand throughput", finding.Text, StringComparison.Ordinal);
        Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        403,
        "Model access is denied due to IAM user or service role is not authorized to perform the required AWS "
            + "Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access.",
        "aws-marketplace:Subscribe")]
    [InlineData(
        404, "Model use case details have not been submitted for this account.", "use case form")]
    [InlineData(403, "You don't have access to the model with the specified model ID.", "Model catalog")]
    [InlineData(403, "User: x is not authorized to perform: bedrock:InvokeModel", "grant bedrock:InvokeModel")]
    public async Task An_account_without_the_model_is_told_from_a_role_without_permission(
        int status, string words, string advice)
    {
        _upstream.Next(e => e.RespondJsonAsync(status, new { message = words }));
        var finding = await UpstreamFindingAsync(Bedrock());

        Assert.False(finding.IsWell);
        Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_that_keeps_silent_is_told_with_its_hop_limit()
    {
        var asked = new TaskCompletionSource();
        // The answer to the PUT is what the hop limit lets drop.
        await using var instance = new FakeServer(e =>
        {
            asked.TrySetResult();
            return e.StallAsync();
        });
        var clock = new ManualTimeProvider();
        var examining = ExamineAsync(
            TestConfig.Create(_idp, []) with
            {
                Upstreams = [Bedrock() with { Auth = new AwsAuth() }],
            },
            clock,
            ("AWS_EC2_METADATA_DISABLED", "false"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.Url.ToString()),
            ("HOME", "/nowhere"));
        await asked.Task.WaitAsync(Signal.Timeout);
        clock.Advance(TimeSpan.FromSeconds(3));
        var finding = (await examining).Single(f => f.Subject.StartsWith("upstream", StringComparison.Ordinal));

        Assert.Contains("did not answer", finding.Text, StringComparison.Ordinal);
        Assert.Contains("--http-put-response-hop-limit 2", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inference_profile_that_works_is_shown()
    {
        _upstream.Next(e => e.RespondJsonAsync(400, new { message = "messages: at least one message is required" }));
        var finding = await UpstreamFindingAsync(Bedrock(InferenceProfile.Eu));

        Assert.True(finding.IsWell, finding.Text);
        Assert.Contains("eu.anthropic.claude-haiku-4-5-20251001-v1:0", finding.Text, StringComparison.Ordinal);
        Assert.Contains("/model/eu.anthropic.claude-haiku-4-5-20251001-v1", _upstream.Requests[0].Path,
            StringComparison.Ordinal);
    }

    private BedrockUpstreamConfig Bedrock(InferenceProfile? profile = null) => new()
    {
        Name = "aws",
        BaseUrl = _upstream.Url,
        Region = "eu-west-1",
        InferenceProfile = profile,
        Auth = new AwsAuth { BearerToken = new Secret("BEARER") },
    };

    [Fact]
    public async Task A_missing_credential_is_told_from_a_refused_one()
    {
        var finding = await UpstreamFindingAsync(new BedrockUpstreamConfig
        {
            Name = "aws",
            BaseUrl = _upstream.Url,
            Region = "us-east-1",
        });

        Assert.Contains("no AWS credentials", finding.Text, StringComparison.Ordinal);
        Assert.Empty(_upstream.Requests);
    }

    [Fact]
    public async Task An_upstream_that_is_not_there_is_not_reachable()
    {
        _upstream.Server.Refuse();
        var finding = await UpstreamFindingAsync(TestConfig.Anthropic(_upstream, "gone"));

        Assert.Contains("not reachable", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_refuses_is_found()
    {
        var config = TestConfig.Create(_idp, [_upstream]) with
        {
            Store = new StoreConfig
            {
                PostgresUrl = new Secret(
            "postgres://nobody@127.0.0.1:1/none"),
                ConnectTimeout = TimeSpan.FromSeconds(1)
            }
        };

        var finding = (await ExamineAsync(config)).Single(f => f.Subject == "store");
        Assert.False(finding.IsWell);
    }

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
        await _log.DisposeAsync();
    }

    private async Task<Finding> UpstreamFindingAsync(UpstreamConfig upstream) =>
        (await ExamineAsync(TestConfig.Create(_idp, []) with { Upstreams = [upstream] }))
        .Single(f => f.Subject.StartsWith("upstream", StringComparison.Ordinal));

    private async Task<IReadOnlyList<Finding>> ExamineAsync(
        GatewayConfig config, TimeProvider? clock = null, params (string Name, string Value)[] variables)
    {
        using var lines = new StderrLines(_log);
        var all = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            ["AWS_EC2_METADATA_DISABLED"] = "true",
        };
        foreach (var (name, value) in variables)
        {
            all[name] = value;
        }

        return await DoctorCommand.ExamineAsync(
            config,
            [],
            new ProcessEnvironment(all),
            clock ?? TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Info),
            CancellationToken.None);
    }
}
