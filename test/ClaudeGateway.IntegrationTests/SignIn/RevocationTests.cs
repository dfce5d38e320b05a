using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

public sealed class RevocationTests : IAsyncDisposable
{
    private const string WriteKey = "write-key-0123456789-0123456789-0123456789";
    private const string ReadKey = "read-key-0123456789-0123456789-0123456789";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Revoking_either_token_ends_bearer_and_refresh_token(bool withRefreshToken)
    {
        await using var gateway = await StartAsync(null);
        var token = await gateway.SignInAsync();
        using var revoked = await RevokeAsync(gateway, withRefreshToken ? token.RefreshToken : token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);

        using var refused = await gateway.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("false", refused.Headers.GetValues("x-should-retry").Single());
        Assert.Equal(401, (await gateway.RefreshAsync(token.RefreshToken)).Status);
        Assert.Equal("alice", (await gateway.Log.AuditAsync("session.revoke")).GetProperty("sub").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("gwr_AAAA")]
    [InlineData("nonsense")]
    public async Task An_unknown_token_is_answered_like_a_known_one(string token)
    {
        await using var gateway = await StartAsync(null);
        using var answer = await RevokeAsync(gateway, token);
        Assert.Equal(token.Length == 0 ? HttpStatusCode.BadRequest : HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Another_replica_refuses_the_bearer_too_and_so_does_the_gateway_after_a_restart()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var one = await StartAsync(store);
        var token = await one.SignInAsync();
        await using (var two = await StartAsync(store))
        {
            using var before = await two.GetAsync("/v1/models", token.AccessToken);
            Assert.Equal(HttpStatusCode.OK, before.StatusCode);
            (await RevokeAsync(one, token.AccessToken)).Dispose();
            await UntilRefusedAsync(two, token.AccessToken);
        }

        await using var restarted = await StartAsync(store);
        using var after = await restarted.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    [Fact]
    public async Task While_the_store_is_away_the_replica_that_is_asked_refuses_the_bearer_and_asks_to_come_again()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var gateway = await StartAsync(await server.CreateDatabaseAsync());
        var token = await gateway.SignInAsync();
        await server.StopServerAsync();
        using var answer = await RevokeAsync(gateway, token.AccessToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        using var refused = await gateway.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sign_out_that_could_not_be_written_is_no_success_the_second_time(bool isBearerFirst)
    {
        _idp.DiscoveryOverrides["revocation_endpoint"] = _idp.Issuer + "/revoke";
        await using var server = await PostgresServer.StartAsync();
        await using var gateway = await StartAsync(await server.CreateDatabaseAsync());
        var token = await gateway.SignInAsync();
        await server.StopServerAsync();

        using var first = await RevokeAsync(gateway, isBearerFirst ? token.AccessToken : token.RefreshToken);
        using var second = await RevokeAsync(gateway, token.RefreshToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, first.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
        // What holds here is told each time; the IdP hears of it whichever token came first.
        Assert.Equal("alice", (await gateway.Log.AuditAsync("session.revoke", 2)).GetProperty("sub").GetString());
        await _idp.Server.RequestAsync(request => request.Path == "/revoke");
    }

    [Fact]
    public async Task An_administrator_signs_a_person_out_everywhere_and_of_the_session_that_waits_for_its_device()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var gateway = await StartAsync(store);
        await using var other = await StartAsync(store);
        var (first, second) = (await gateway.SignInAsync(), await gateway.SignInAsync());
        var waiting = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, waiting.UserCode);

        using var answer = await other.PostJsonAsync(
            "/v1/organizations/sessions/revoke", new { user_id = "alice" }, null, ("x-api-key", WriteKey));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await UntilRefusedAsync(gateway, first.AccessToken);
        await UntilRefusedAsync(gateway, second.AccessToken);
        Assert.Equal(401, (await gateway.RefreshAsync(first.RefreshToken)).Status);
        Assert.Equal(
            "access_denied", (await gateway.PollAsync(waiting.DeviceCode)).Json.GetProperty("error").GetString());
        Assert.Equal("admin-key:ops", (await other.Log.AuditAsync("admin.sign_out")).GetProperty("actor").GetString());
    }

    [Theory]
    [InlineData("""{"user_id":"alice"}""", ReadKey, HttpStatusCode.Forbidden)]
    [InlineData("""{"user_id":"alice"}""", "wrong", HttpStatusCode.Unauthorized)]
    [InlineData("""{"user_id":""}""", WriteKey, HttpStatusCode.BadRequest)]
    [InlineData("""{"user_id":"a\u0000b"}""", WriteKey, HttpStatusCode.BadRequest)]
    [InlineData("""{"user_id":"\ud800"}""", WriteKey, HttpStatusCode.BadRequest)]
    [InlineData("""{"user_id":7}""", WriteKey, HttpStatusCode.BadRequest)]
    [InlineData("[]", WriteKey, HttpStatusCode.BadRequest)]
    [InlineData("alice", WriteKey, HttpStatusCode.BadRequest)]
    public async Task Signing_out_takes_a_write_key_and_a_subject(string body, string key, HttpStatusCode expected)
    {
        await using var gateway = await StartAsync(null);
        using var answer = await gateway.PostJsonAsync(
            "/v1/organizations/sessions/revoke", body, null, ("x-api-key", key));
        Assert.Equal(expected, answer.StatusCode);
    }

    private static Task<HttpResponseMessage> RevokeAsync(GatewayHost gateway, string token) =>
        gateway.PostFormAsync("/oauth/revoke", ("token", token));

    private static async Task UntilRefusedAsync(GatewayHost gateway, string bearer)
    {
        using var limit = new CancellationTokenSource(Signal.Timeout);
        while (true)
        {
            using var answer = await gateway.GetAsync("/v1/models", bearer);
            if (answer.StatusCode == HttpStatusCode.Unauthorized)
            {
                return;
            }

            // Each question is a round trip; the answer changes when the other replica has heard.
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    private Task<GatewayHost> StartAsync(string? store)
    {
        var config = TestConfig.Create(_idp, [_upstream], store);
        return GatewayHost.StartAsync(config with
        {
            Listen = config.Listen with { PublicUrl = "http://gw.example.com" },
            Admin = new AdminConfig
            {
                WriteKeys = [new AdminKey("ops", new Secret(WriteKey))],
                ReadKeys = [new AdminKey("reader", new Secret(ReadKey))],
            },
        });
    }
}
