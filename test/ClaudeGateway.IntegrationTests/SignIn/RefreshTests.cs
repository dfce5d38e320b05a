using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

public sealed class RefreshTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task A_refresh_brings_the_IdPs_present_word_about_the_developer()
    {
        await using var gateway = await StartAsync(
            config => config with { Listen = config.Listen with { PublicUrl = "https://gw.example.com" } });
        var token = await gateway.SignInAsync();
        _idp.User["groups"] = new JsonArray("ops");
        _idp.User["email"] = "new@example.com";
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal("ops", renewed.Claims.GetProperty("groups")[0].GetString());
        Assert.Equal("new@example.com", renewed.Json.GetProperty("email").GetString());
        Assert.Equal(token.Claims.GetProperty("sid").GetString(), renewed.Claims.GetProperty("sid").GetString());
        Assert.NotEqual(token.Claims.GetProperty("jti").GetString(), renewed.Claims.GetProperty("jti").GetString());
    }

    [Fact]
    public async Task A_refresh_token_is_of_no_use_at_the_IdP()
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        await gateway.RefreshAsync(token.RefreshToken);
        var atTheIdp = _idp.TokenRequests.Last().Form["refresh_token"]!;
        Assert.StartsWith("rt-", atTheIdp, StringComparison.Ordinal);
        Assert.DoesNotContain(atTheIdp, token.RefreshToken, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_for_another_subject_ends_the_session()
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.User["sub"] = "mallory";
        var refused = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal((401, "invalid_grant"), (refused.Status, refused.Json.GetProperty("error").GetString()));
    }

    [Theory]
    [InlineData("5")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("[\"o-1\"]")]
    public async Task A_refresh_without_the_claim_of_user_id_claim_may_be_tried_again(string value)
    {
        _idp.User["oid"] = "o-1";
        await using var gateway = await StartAsync(
            config => config with { Oidc = config.Oidc with { UserIdClaim = "oid" } });
        var token = await gateway.SignInAsync();
        _idp.ClaimOverrides["oid"] = JsonNode.Parse(value);
        Assert.Equal((503, "temporarily_unavailable"), await OutcomeAsync(gateway, token.RefreshToken));
        var audit = await gateway.Log.AuditAsync("session.refresh");
        Assert.Equal("claims", audit.GetProperty("step").GetString());
        Assert.Contains("oidc.user_id_claim is oid", audit.GetProperty("err").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_id_token_the_claim_of_user_id_claim_comes_from_userinfo()
    {
        _idp.User["oid"] = "o-1";
        _idp.IssuesIdTokenOnRefresh = false;
        await using var gateway = await StartAsync(
            config => config with { Oidc = config.Oidc with { UserIdClaim = "oid" } });
        var token = await gateway.SignInAsync();
        Assert.Equal("o-1", (await gateway.RefreshAsync(token.RefreshToken)).Claims.GetProperty("sub").GetString());
    }

    [Fact]
    public async Task The_same_person_under_another_id_goes_on_and_another_person_under_the_same_id_does_not()
    {
        _idp.User["oid"] = "o-1";
        await using var gateway = await StartAsync(
            config => config with { Oidc = config.Oidc with { UserIdClaim = "oid" } });
        var token = await gateway.SignInAsync();
        _idp.User["oid"] = "o-2";
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal("o-2", renewed.Claims.GetProperty("sub").GetString());
        _idp.User["sub"] = "mallory";
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, renewed.RefreshToken));
        Assert.Contains(
            "another sub",
            (await gateway.Log.AuditAsync("session.refresh", 2)).GetProperty("err").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_of_before_user_id_claim_was_set_goes_on_under_the_new_id()
    {
        _idp.User["oid"] = "o-1";
        await using var before = await StartAsync();
        var token = await before.SignInAsync();
        await using var after = await StartAsync(
            config => config with { Oidc = config.Oidc with { UserIdClaim = "oid" } });
        var renewed = await after.RefreshAsync(token.RefreshToken);
        Assert.Equal("o-1", renewed.Claims.GetProperty("sub").GetString());
        Assert.Equal("o-1", (await after.Log.AuditAsync("session.refresh")).GetProperty("sub").GetString());
        Assert.Equal("o-1", (await after.RefreshAsync(renewed.RefreshToken)).Claims.GetProperty("sub").GetString());
    }

    [Fact]
    public async Task The_IdPs_own_refresh_token_that_a_client_of_the_reference_holds_is_taken()
    {
        await using var gateway = await StartAsync();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token" && exchange.Request.Form["refresh_token"] == "rt-from-before"
            ? exchange.RespondJsonAsync(200, new { access_token = "at", token_type = "Bearer" })
            : null;
        var renewed = await gateway.RefreshAsync("rt-from-before");
        Assert.Equal("alice", renewed.Claims.GetProperty("sub").GetString());
        Assert.StartsWith("gwr_", renewed.RefreshToken, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gwr_")]
    [InlineData("gwr_AAAA")]
    [InlineData("gwr_!!!!")]
    public async Task A_forged_refresh_token_never_reaches_the_IdP(string token)
    {
        await using var gateway = await StartAsync();
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token));
        Assert.Empty(_idp.TokenRequests);
    }

    [Fact]
    public async Task Sign_in_rules_are_asked_again_at_every_refresh()
    {
        await using var gateway = await StartAsync(
            config => config with { Oidc = config.Oidc with { AllowedGroups = ["eng"] } });
        var token = await gateway.SignInAsync();
        _idp.User["groups"] = new JsonArray("fired");
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token.RefreshToken));
        var audit = await gateway.Log.AuditAsync("session.refresh");
        Assert.Equal("user is not a member of an allowed group", audit.GetProperty("err").GetString());
        Assert.Equal("claims", audit.GetProperty("step").GetString());
    }

    [Theory]
    [InlineData("aud", "other", "token_endpoint")]
    [InlineData("at_hash", "AAAA", "token_endpoint")]
    [InlineData("sub", "", "claims")]
    public async Task The_audit_tells_a_wrong_id_token_from_a_wrong_user(string claim, string value, string step)
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.ClaimOverrides[claim] = value;
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token.RefreshToken));
        Assert.Equal(step, (await gateway.Log.AuditAsync("session.refresh")).GetProperty("step").GetString());
    }

    [Theory]
    [InlineData(200, "invalid_grant", 401, "invalid_grant")]
    [InlineData(400, "invalid_grant", 401, "invalid_grant")]
    [InlineData(400, "invalid_scope", 503, "temporarily_unavailable")]
    [InlineData(401, "invalid_client", 503, "temporarily_unavailable")]
    [InlineData(429, "slow_down", 503, "temporarily_unavailable")]
    [InlineData(500, "server_error", 503, "temporarily_unavailable")]
    public async Task Only_a_clear_no_of_the_IdP_ends_the_session(
        int status, string error, int expectedStatus, string expected)
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token" ? exchange.RespondJsonAsync(status, new { error }) : null;
        Assert.Equal((expectedStatus, expected), await OutcomeAsync(gateway, token.RefreshToken));
    }

    [Fact]
    public async Task Without_an_id_token_userinfo_names_the_developer()
    {
        _idp.IssuesIdTokenOnRefresh = false;
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.UserInfo = new JsonObject { ["sub"] = "alice", ["email"] = "alice@new.example.com" };
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal("alice@new.example.com", renewed.Claims.GetProperty("email").GetString());
    }

    [Fact]
    public async Task An_empty_id_token_is_none()
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token"
            ? exchange.RespondJsonAsync(200, new { access_token = "a", token_type = "Bearer", id_token = "" })
            : null;
        Assert.Equal("alice", (await gateway.RefreshAsync(token.RefreshToken)).Claims.GetProperty("sub").GetString());
    }

    private static async Task<(int Status, string? Error)> OutcomeAsync(GatewayHost gateway, string refreshToken)
    {
        var answer = await gateway.RefreshAsync(refreshToken);
        return (answer.Status, answer.Json.TryGetProperty("error", out var error) ? error.GetString() : null);
    }

    private Task<GatewayHost> StartAsync(Func<GatewayConfig, GatewayConfig>? change = null)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        return GatewayHost.StartAsync(change is null ? config : change(config));
    }
}
