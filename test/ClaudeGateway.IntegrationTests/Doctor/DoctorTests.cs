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
        GatewayConfig config, IReadOnlyList<string>? internalNetworks = null)
    {
        using var lines = new StderrLines(_log);
        var environment = new ProcessEnvironment(new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            ["AWS_EC2_METADATA_DISABLED"] = "true",
        });
        return await DoctorCommand.ExamineAsync(
            config,
            internalNetworks ?? [],
            environment,
            TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Info),
            CancellationToken.None);
    }
}
