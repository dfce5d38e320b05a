using System.Text;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Reload;

/// <summary>SIGHUP as a process gets it.</summary>
public sealed class HangUpTests : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Environment = new() { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" };

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task One_that_comes_while_the_configuration_is_read_is_obeyed_after_the_start()
    {
        // A pipe in place of the file: reading it takes until the test writes.
        var pipe = _folder.File("gateway.yaml");
        Assert.Equal(0, await ExitCodeAsync("mkfifo", pipe));
        await using var serve = GatewayProcess.Start(_folder.Path, Environment, "serve", "--config", "gateway.yaml");
        await using (var reading = await OpenWhenReadAsync(pipe))
        {
            await serve.HangUpAsync();
            await reading.WriteAsync(Encoding.UTF8.GetBytes(Configuration()));
        }

        await serve.Errors.LineAsync("listening on");
        await using (var readingAgain = await OpenWhenReadAsync(pipe))
        {
            await readingAgain.WriteAsync(Encoding.UTF8.GetBytes(Configuration()));
        }

        await serve.Errors.LineAsync("is in force");
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task One_that_comes_while_the_gateway_starts_is_obeyed_when_it_has()
    {
        File.WriteAllText(_folder.File("gateway.yaml"), Configuration());
        var goOn = new TaskCompletionSource();
        _idp.Script = exchange => goOn.Task.IsCompleted ? null : DiscoverLaterAsync(exchange, goOn.Task);
        await using var serve = GatewayProcess.Start(_folder.Path, Environment, "serve", "--config", "gateway.yaml");
        await _idp.Server.RequestAsync("/.well-known/openid-configuration");

        await serve.HangUpAsync();
        goOn.SetResult();

        await serve.Errors.LineAsync("is in force");
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task Many_at_once_just_as_the_gateway_listens_do_not_end_it()
    {
        File.WriteAllText(_folder.File("gateway.yaml"), Configuration());
        await using var serve = GatewayProcess.Start(_folder.Path, Environment, "serve", "--config", "gateway.yaml");
        await serve.Errors.LineAsync("claude-gateway ");

        for (var i = 0; i < 20; i++)
        {
            await serve.HangUpAsync();
        }

        await serve.Errors.LineAsync("is in force");
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task A_file_that_is_polled_needs_none()
    {
        var file = _folder.File("gateway.yaml");
        File.WriteAllText(file, Configuration());
        await using var serve = GatewayProcess.Start(
            _folder.Path, Environment, "serve", "--config", "gateway.yaml", "--config-poll", "1");
        await serve.Errors.LineAsync("gateway.yaml is looked at");
        File.WriteAllText(file, Configuration() + "\nnonsense: 1\n");
        await serve.Errors.LineAsync("config: gateway.yaml was not put in force");
        File.Delete(file);
        await serve.Errors.LineAsync("the next poll looks again");

        File.WriteAllText(file, Configuration() + "\n# another version\n");

        await serve.Errors.LineAsync("config: gateway.yaml is in force");
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task It_reloads_also_where_whoever_started_the_gateway_ignores_it()
    {
        File.WriteAllText(_folder.File("gateway.yaml"), Configuration());
        await using var serve = GatewayProcess.StartIgnoringHangUps(
            _folder.Path, Environment, "serve", "--config", "gateway.yaml");
        await serve.Errors.LineAsync("listening on");

        await serve.HangUpAsync();

        await serve.Errors.LineAsync("is in force");
        Assert.Equal(0, await serve.StopAsync());
    }

    private string Configuration() => $$"""
        listen: { host: 127.0.0.1, port: 0 }
        oidc: { issuer: "{{_idp.Issuer}}", client_id: gw, client_secret: s }
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { sqlite_path: gateway.db }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]

        """;

    /// <summary>The pipe, open for writing: the system opens it when somebody reads.</summary>
    private static Task<FileStream> OpenWhenReadAsync(string pipe) =>
        Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write)).WaitAsync(Signal.Timeout);

    private static async Task DiscoverLaterAsync(FakeExchange exchange, Task goOn)
    {
        await goOn;
        var issuer = $"http://{exchange.Request.Header("host")}";
        await exchange.RespondJsonAsync(200, new
        {
            issuer,
            authorization_endpoint = issuer + "/auth",
            token_endpoint = issuer + "/token",
            jwks_uri = issuer + "/jwks",
        });
    }

    private static async Task<int> ExitCodeAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync().WaitAsync(Signal.Timeout);
        return process.ExitCode;
    }
}
