using System.Globalization;
using System.Net;
using System.Text.Json;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>Nobody without a session makes the gateway ask the IdP as often as they like.</summary>
public sealed class ForeignRefreshTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Thirty_tokens_a_minute_of_one_address_reach_the_IdP_and_a_sealed_one_is_not_counted()
    {
        await using var gateway = await StartAsync();
        var own = await gateway.SignInAsync();
        var before = _idp.TokenRequests.Count();
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(401, (await gateway.RefreshAsync("made-up")).Status);
        }

        using var refused = await RefreshAsync(gateway, "made-up", "127.0.0.1");

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.Equal(
            "slow_down",
            JsonDocument.Parse(await refused.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetString());
        Assert.Equal(before + 30, _idp.TokenRequests.Count());
        var audit = await gateway.Log.AuditAsync("session.refresh", 31);
        Assert.Contains("too many refresh tokens", audit.GetProperty("err").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.RefreshAsync(own.RefreshToken)).Status);

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(401, (await gateway.RefreshAsync("made-up")).Status);
    }

    [Fact]
    public async Task Codes_and_states_nobody_was_given_are_looked_up_only_so_often()
    {
        await using var gateway = await StartAsync();
        for (var i = 0; i < UnknownCodeLimit.Max; i++)
        {
            using var unknown = i % 2 == 0
                ? await gateway.GetAsync($"/oauth/callback?code=c&state=made-up-{i}")
                : await PollAsync(gateway, $"made-up-{i}");
            Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        }

        using var poll = await PollAsync(gateway, "made-up");
        using var callback = await gateway.GetAsync("/oauth/callback?code=c&state=made-up");

        Assert.Equal(
            "slow_down",
            JsonDocument.Parse(await poll.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetString());
        Assert.Equal(HttpStatusCode.TooManyRequests, callback.StatusCode);
        Assert.InRange(callback.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await gateway.SignInAsync();

        static Task<HttpResponseMessage> PollAsync(GatewayHost gateway, string code) => gateway.PostFormAsync(
            "/oauth/token",
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", code));
    }

    [Fact]
    public async Task Addresses_of_one_IPv6_network_count_together_and_others_apart()
    {
        await using var gateway = await StartAsync();
        for (var i = 0; i < 30; i++)
        {
            using var answer = await RefreshAsync(
                gateway, "made-up", $"2001:db8:1:2::{i.ToString("x", CultureInfo.InvariantCulture)}");
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        using var same = await RefreshAsync(gateway, "made-up", "2001:db8:1:2:ffff::1");
        using var other = await RefreshAsync(gateway, "made-up", "2001:db8:1:3::1");

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.Unauthorized),
            (same.StatusCode, other.StatusCode));
    }

    [Fact]
    public async Task Ten_at_once_of_all_addresses_are_with_the_IdP_and_a_sealed_one_does_not_wait_behind_them()
    {
        await using var gateway = await StartAsync();
        var own = await gateway.SignInAsync();
        var goOn = new TaskCompletionSource();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token"
            && exchange.Request.Form["refresh_token"].StartsWith("made-up", StringComparison.Ordinal)
            ? RefuseLaterAsync(exchange, goOn.Task)
            : null;
        var begun = Enumerable.Range(0, 10).Select(i => RefreshAsync(gateway, $"made-up-{i}", $"10.0.0.{i}")).ToList();
        await _idp.Server.RequestCountAsync(_idp.Requests.Count(request => !IsMadeUp(request)) + 10);

        using var eleventh = await RefreshAsync(gateway, "made-up-10", "10.0.0.10");
        Assert.Equal(HttpStatusCode.TooManyRequests, eleventh.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), eleventh.Headers.RetryAfter!.Delta);
        Assert.Equal(200, (await gateway.RefreshAsync(own.RefreshToken)).Status);

        goOn.SetResult();
        foreach (var answer in await Task.WhenAll(begun))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            answer.Dispose();
        }

        using var next = await RefreshAsync(gateway, "made-up-11", "10.0.0.11");
        Assert.Equal((HttpStatusCode.Unauthorized, 11), (next.StatusCode, _idp.Requests.Count(IsMadeUp)));
    }

    [Fact]
    public async Task A_text_longer_than_any_refresh_token_goes_nowhere()
    {
        await using var gateway = await StartAsync();
        var answer = await gateway.RefreshAsync(new string('a', 16 * 1024 + 1));
        Assert.Equal((401, "invalid_grant"), (answer.Status, answer.Json.GetProperty("error").GetString()));
        Assert.Empty(_idp.TokenRequests);
    }

    [Fact]
    public async Task Revoking_one_token_again_and_again_tells_the_IdP_once()
    {
        _idp.DiscoveryOverrides["revocation_endpoint"] = _idp.Issuer + "/revoke";
        await using var gateway = await StartAsync();
        var own = await gateway.SignInAsync();
        for (var i = 0; i < 5; i++)
        {
            using var answer = await gateway.PostFormAsync("/oauth/revoke", ("token", own.RefreshToken));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var another = await gateway.SignInAsync();
        (await gateway.PostFormAsync("/oauth/revoke", ("token", another.RefreshToken))).Dispose();
        await _idp.Server.RequestAsync(_ => Revoked().Distinct().Count() == 2);
        Assert.Equal(2, Revoked().Count());

        IEnumerable<string> Revoked() =>
            _idp.Requests.Where(request => request.Path == "/revoke").Select(request => request.Form["token"]);
    }

    [Fact]
    public async Task The_sign_in_page_tells_of_thirty_codes_in_ten_minutes_whether_they_exist()
    {
        await using var gateway = await StartAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        for (var i = 0; i < 30; i++)
        {
            using var shown = await gateway.GetAsync($"/device?user_code={device.UserCode}");
            Assert.Contains("Requested from", await shown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var known = await gateway.GetAsync($"/device?user_code={device.UserCode}");
        using var unknown = await gateway.GetAsync("/device?user_code=BBBB-BBBB");
        Assert.Equal(
            (await unknown.Content.ReadAsStringAsync()).Replace("BBBB-BBBB", device.UserCode, StringComparison.Ordinal),
            await known.Content.ReadAsStringAsync());
    }

    private static bool IsMadeUp(RecordedRequest request) =>
        request.Path == "/token"
        && request.Form.GetValueOrDefault("refresh_token", "").StartsWith("made-up", StringComparison.Ordinal);

    private static async Task RefuseLaterAsync(FakeExchange exchange, Task goOn)
    {
        await goOn;
        await exchange.RespondJsonAsync(400, new { error = "invalid_grant" });
    }

    private static Task<HttpResponseMessage> RefreshAsync(GatewayHost gateway, string token, string address) =>
        gateway.SendAsync(
        HttpMethod.Post,
        "/oauth/token",
        new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("refresh_token", token)]),
        ("X-Forwarded-For", address));

    private Task<GatewayHost> StartAsync()
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        return GatewayHost.StartAsync(
            config with { Listen = config.Listen with { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] } }, _clock);
    }
}
