using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Harness;

public sealed class GatewayHostTests
{
    [Fact]
    public async Task Answers_on_a_port_of_its_own_and_captures_its_log()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(idp, [upstream], await PostgresServer.NewMigratedDatabaseAsync()));

        using var health = await gateway.GetAsync("/healthz");
        Assert.Equal("ok", await health.Content.ReadAsStringAsync());
        using var refused = await gateway.SendMessageAsync("no-token");
        Assert.Equal("invalid_token", (await gateway.Log.AuditAsync("auth.denied")).GetProperty("reason").GetString());
        Assert.Contains(
            gateway.Url.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            await gateway.Log.LineAsync("listening on"),
            StringComparison.Ordinal);
    }
}
