using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Reload;

/// <summary><c>--config URL</c> as a process gets it.</summary>
public sealed class RemoteConfigCommandTests : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Environment = new() { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" };

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeServer _server;
    private volatile string _notice = "one";
    private volatile string _more = "";
    private volatile string? _issuer;

    public RemoteConfigCommandTests() =>
        _server = new FakeServer(exchange => exchange.RespondAsync(
            exchange.Request.Path == "/gateway.yaml" ? 200 : 404, Configuration(), ("etag", $"\"{_notice}\"")));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("--config-poll", "1")]
    [InlineData(null, "1")]
    public async Task Serve_takes_over_another_version_by_itself(string? option, string seconds)
    {
        var environment = new Dictionary<string, string>(Environment);
        if (option is null)
        {
            environment["CLAUDE_GATEWAY_CONFIG_POLL_SECONDS"] = seconds;
        }

        await using var serve = GatewayProcess.Start(
            _folder.Path, environment, ["--config", Url, .. option is null ? (string[])[] : [option, seconds]]);
        await serve.Errors.LineAsync("is asked for another version every 1 s");
        _notice = "two";
        await serve.Errors.LineAsync("(ETag \"two\") is in force");
        Assert.Equal(0, await serve.StopAsync());
        Assert.All(serve.Errors.Lines, line => Assert.DoesNotContain("s3cr3t", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_polls_a_signal_still_fetches()
    {
        await using var serve = GatewayProcess.Start(
            _folder.Path, Environment, "serve", "--config", Url, "--config-poll", "0");
        await serve.Errors.LineAsync("is read again on SIGHUP alone");
        _notice = "two";
        await serve.HangUpAsync();
        await serve.Errors.LineAsync("SIGHUP: " + _server.Url + "gateway.yaml?… (ETag \"two\") is in force");
        Assert.Equal(0, await serve.StopAsync());
        Assert.Equal(2, _server.Requests.Count);
    }

    [Fact]
    public async Task It_is_fetched_from_this_machine_without_a_switch()
    {
        _issuer = "https://login.example.com";
        var (exitCode, output, _) = await RunAsync(null, "check", "--config", Url);
        Assert.Equal((0, "ok"), (exitCode, Assert.Single(output)));
    }

    [Fact]
    public async Task Check_explain_and_doctor_take_it_too()
    {
        var printed = await RunAsync(Environment, "check", "--print", "--config", Url);
        Assert.Equal(0, printed.ExitCode);
        Assert.Contains("login_notice: one", printed.Output);
        var explained = await RunAsync(Environment, "explain", "--config", Url, "--user", "alice");
        Assert.Equal(0, explained.ExitCode);
        Assert.Contains("developer: sub alice", explained.Output[0], StringComparison.Ordinal);
        var examined = await RunAsync(Environment, "doctor", "--config", Url);
        Assert.Contains(examined.Output, line => line.Contains("identity provider", StringComparison.Ordinal));
        Assert.Equal(3, _server.Requests.Count);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("check")]
    [InlineData("explain")]
    [InlineData("doctor")]
    public async Task What_is_not_there_ends_every_command_with_one_line(string command)
    {
        var (exitCode, output, errors) = await RunAsync(
            Environment, command, "--config", $"{_server.Url}none.yaml?sig=s3cr3t");
        Assert.Equal((1, 0), (exitCode, output.Count));
        Assert.EndsWith($"{_server.Url}none.yaml?… answered 404", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task A_wrong_one_ends_the_start_with_its_problems()
    {
        _more = "sessions: {}";
        var (exitCode, _, errors) = await RunAsync(Environment, "serve", "--config", Url);
        Assert.Equal(1, exitCode);
        Assert.Contains($"{_server.Url}gateway.yaml?…:", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Contains("did you mean 'session'?", errors[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--config-poll: must be whole seconds", "--config", "https://example.com/x", "--config-poll", "-1")]
    [InlineData("--config-poll: must be whole seconds", "--config", "https://example.com/x", "--config-poll", "1.5")]
    [InlineData("--config-poll: must be whole seconds", "--config", "https://example.com/x", "--config-poll", "90000")]
    [InlineData("is not encrypted", "--config", "http://example.com/gateway.yaml")]
    [InlineData("says no AWS region", "--config", "s3://bucket/gateway.yaml")]
    public async Task Mistakes_get_one_line(string words, params string[] arguments)
    {
        var (exitCode, _, errors) = await RunAsync(Environment, arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains(words, Assert.Single(errors), StringComparison.Ordinal);
    }

    private string Url => $"{_server.Url}gateway.yaml?sig=s3cr3t";

    private string Configuration() => $$"""
        listen: { host: 127.0.0.1, port: 0 }
        oidc: { issuer: "{{_issuer ?? _idp.Issuer}}", client_id: gw, client_secret: s }
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { sqlite_path: "{{_folder.File("gateway.db")}}" }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]
        login_notice: {{_notice}}
        {{_more}}
        """;

    private async Task<(int ExitCode, IReadOnlyList<string> Output, IReadOnlyList<string> Errors)> RunAsync(
        IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        await using var process = GatewayProcess.Start(_folder.Path, environment, arguments);
        var exitCode = await process.ExitCodeAsync();
        return (exitCode, process.Output.Lines, process.Errors.Lines);
    }
}
