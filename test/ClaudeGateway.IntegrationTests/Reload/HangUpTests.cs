using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Reload;

/// <summary>SIGHUP as a process gets it.</summary>
public sealed class HangUpTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_reloads_also_where_whoever_started_the_gateway_ignores_it()
    {
        File.WriteAllText(_folder.File("gateway.yaml"), $$"""
            listen: { host: 127.0.0.1, port: 0 }
            oidc: { issuer: "{{_idp.Issuer}}", client_id: gw, client_secret: s }
            session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
            store: { sqlite_path: gateway.db }
            upstreams: [{ provider: anthropic, auth: { api_key: k } }]

            """);
        var environment = new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" };
        await using var serve = GatewayProcess.StartIgnoringHangUps(_folder.Path, environment, "serve", "--config", "gateway.yaml");
        await serve.Errors.LineAsync("listening on");

        await serve.HangUpAsync();

        await serve.Errors.LineAsync("is in force");
        Assert.Equal(0, await serve.StopAsync());
    }
}
