using System.Net;
using ClaudeGateway.Http;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

public sealed class StoreOutageTests
{
    [Fact]
    public async Task Without_the_store_bearers_and_refresh_go_on_and_sign_in_says_to_come_again()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var server = await PostgresServer.StartAsync();
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(idp, [upstream], await server.CreateDatabaseAsync()), clock);
        var token = await gateway.SignInAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        await server.StopServerAsync();

        using var models = await gateway.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        Assert.Equal(200, (await gateway.RefreshAsync(token.RefreshToken)).Status);
        using var authorization = await gateway.PostFormAsync("/oauth/device_authorization");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, authorization.StatusCode);
        Assert.NotNull(authorization.Headers.RetryAfter);
        var poll = await gateway.PollAsync(device.DeviceCode);
        Assert.Equal((503, "temporarily_unavailable"), (poll.Status, poll.Json.GetProperty("error").GetString()));
        using var browser = gateway.NewBrowser();
        Assert.Equal(
            HttpStatusCode.OK,
            (await browser.GetAsync(new Uri($"{gateway.PublicUrl}/device?user_code={device.UserCode}"))).Status);
        Assert.Equal(
            HttpStatusCode.ServiceUnavailable,
            (await browser.PostFormAsync(new Uri($"{gateway.PublicUrl}/device"),
                ("user_code", device.UserCode))).Status);
        using var ready = await gateway.GetAsync("/readyz");
        Assert.Equal("store unavailable", await ready.Content.ReadAsStringAsync());

        await server.StartServerAsync();
        Assert.Equal(
            "authorization_pending",
            (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
        clock.Advance(SharedProbe.MaxAge);
        using var readyAgain = await gateway.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, readyAgain.StatusCode);
    }

    [Fact]
    public async Task A_database_that_can_only_be_read_is_not_ready_and_works_as_soon_as_it_can_be_written()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        var server = await PostgresServer.SharedAsync();
        var url = await server.CreateDatabaseAsync();
        var name = new Uri(url).AbsolutePath[1..];
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHost.StartAsync(TestConfig.Create(idp, [upstream], url), clock);
        await gateway.SignInAsync();

        await server.ExecuteAsync($"ALTER DATABASE {name} SET default_transaction_read_only = on");
        await server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        for (var i = 0; i < 5; i++)
        {
            using var refused = await gateway.PostFormAsync("/oauth/device_authorization");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        using var during = await gateway.GetAsync("/readyz");
        Assert.Equal("read-only", await during.Content.ReadAsStringAsync());
        await gateway.Log.LineAsync("store: it can only be read; sign-in and spend limits depend on it");

        await server.ExecuteAsync($"ALTER DATABASE {name} RESET default_transaction_read_only");
        await gateway.SignInAsync();
        clock.Advance(SharedProbe.MaxAge);
        using var after = await gateway.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task Within_the_grace_the_gateway_stays_ready()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var server = await PostgresServer.StartAsync();
        var config = TestConfig.Create(idp, [upstream], await server.CreateDatabaseAsync());
        var clock = new ManualTimeProvider();
        await using var gateway = await GatewayHost.StartAsync(
            config with { Store = config.Store with { ReadinessGrace = TimeSpan.FromSeconds(30) } }, clock);
        await server.StopServerAsync();
        using var during = await gateway.GetAsync("/readyz");
        clock.Advance(TimeSpan.FromSeconds(30));
        using var after = await gateway.GetAsync("/readyz");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (during.StatusCode, after.StatusCode));
    }
}
