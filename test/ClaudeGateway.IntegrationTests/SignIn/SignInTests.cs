using System.Net;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>The device flow from the terminal's first call to a bearer that works.</summary>
public sealed class SignInTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task A_developer_signs_in_and_the_bearer_works()
    {
        await using var gateway = await StartAsync(
            change: config => config with { Listen = config.Listen with { PublicUrl = "https://gw.example.com" } });
        var token = await gateway.SignInAsync();
        Assert.Equal("alice@example.com", token.Json.GetProperty("email").GetString());
        Assert.Equal("alice", token.Claims.GetProperty("sub").GetString());
        using var models = await gateway.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
    }

    [Theory]
    [InlineData("oid", "\"o-1\"", "o-1")]
    [InlineData("oid", "\" o 2 \"", " o 2 ")]
    [InlineData("/oid/main", "{\"main\":\"p\"}", "p")]
    [InlineData("/oid/1", "[\"a\",\"b\"]", "b")]
    public async Task Another_claim_may_say_who_somebody_is(string claim, string value, string expected)
    {
        _idp.User["oid"] = JsonNode.Parse(value);
        await using var gateway = await StartAsync(
            change: config => config with { Oidc = config.Oidc with { UserIdClaim = claim } });
        var token = await gateway.SignInAsync();
        Assert.Equal(expected, token.Claims.GetProperty("sub").GetString());
        Assert.Equal(expected, (await gateway.Log.AuditAsync("session.mint")).GetProperty("sub").GetString());
        using var message = await gateway.SendMessageAsync(token.AccessToken);
        Assert.Equal(expected, (await gateway.Log.AuditAsync("inference")).GetProperty("sub").GetString());
    }

    [Theory]
    [InlineData("5")]
    [InlineData("1.5")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("[\"o\"]")]
    [InlineData("{\"a\":\"o\"}")]
    public async Task Nobody_signs_in_without_a_text_in_the_claim_of_user_id_claim(string value)
    {
        _idp.User["oid"] = JsonNode.Parse(value);
        _idp.UserInfo = new JsonObject
        {
            ["sub"] = "alice",
            ["email"] = "alice@example.com",
            ["oid"] = "from-userinfo",
        };
        _idp.IdTokenClaims = ["oid"];
        await using var gateway = await StartAsync(
            change: config => config with { Oidc = config.Oidc with { UserIdClaim = "oid", UserinfoFallback = true } });
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, device.UserCode);
        Assert.Equal(
            "access_denied", (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
        Assert.Contains(
            "oidc.user_id_claim is oid",
            (await gateway.Log.AuditAsync("session.mint")).GetProperty("err").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Groups_are_read_at_a_path_also_out_of_userinfo_and_at_a_refresh()
    {
        _idp.IdTokenClaims = ["email"];
        _idp.UserInfo = (JsonObject)JsonNode.Parse(
            """{"sub":"alice","email":"alice@example.com","memberships":[{"name":"eng","type":"team"},{"name":"boss","type":"role"}]}""")!;
        await using var gateway = await StartAsync(
            change: config =>
                config with
                {
                    Oidc = config.Oidc with
                    {
                        UserinfoFallback = true,
                        GroupsJsonPath = ClaimPath.Parse(
                    "$.memberships[?@.type=='team'].name")
                    }
                });
        var token = await gateway.SignInAsync();
        Assert.Equal("""["eng"]""", token.Claims.GetProperty("groups").GetRawText());

        _idp.UserInfo["memberships"]![1]!["type"] = "team";
        token = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal("""["eng","boss"]""", token.Claims.GetProperty("groups").GetRawText());

        _idp.User["memberships"] = new JsonArray();
        _idp.IdTokenClaims = ["email", "memberships"];
        Assert.False((await gateway.RefreshAsync(token.RefreshToken)).Claims.TryGetProperty("groups", out _));
    }

    [Fact]
    public async Task Claims_nested_however_deep_sign_in_like_any_other()
    {
        _idp.User["groups"] = JsonNode.Parse(new string('[', 200) + new string(']', 200), documentOptions: new()
        {
            MaxDepth = 300,
        });
        await using var gateway = await StartAsync();
        Assert.False((await gateway.SignInAsync()).Claims.TryGetProperty("groups", out _));
    }

    [Fact]
    public async Task Two_devices_can_be_signed_in_from_one_browser_side_by_side()
    {
        await using var gateway = await StartAsync();
        var (first, second) = (await gateway.AuthorizeDeviceAsync(), await gateway.AuthorizeDeviceAsync());
        using var browser = gateway.NewBrowser();
        browser.FollowsRedirects = false;
        var toIdp = await browser.PostFormAsync(new Uri($"{gateway.PublicUrl}/device"), ("user_code", first.UserCode));
        var alsoToIdp = await browser.PostFormAsync(
            new Uri($"{gateway.PublicUrl}/device"), ("user_code", second.UserCode));

        browser.FollowsRedirects = true;
        await browser.GetAsync(alsoToIdp.Response.Headers.Location!);
        await browser.GetAsync(toIdp.Response.Headers.Location!);
        Assert.Equal(200, (await gateway.PollAsync(first.DeviceCode)).Status);
        Assert.Equal(200, (await gateway.PollAsync(second.DeviceCode)).Status);
    }

    [Fact]
    public async Task The_confirm_page_says_who_asked_for_the_code_and_when()
    {
        await using var gateway = await StartAsync();
        using var answer = await gateway.SendAsync(
            HttpMethod.Post, "/oauth/device_authorization", null, ("User-Agent", "claude-code/2.1 <b>"));
        var code = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["user_code"]!.GetValue<string>();
        using var browser = gateway.NewBrowser();
        var page = await browser.GetAsync(new Uri($"{gateway.PublicUrl}/device?user_code={code}"));
        Assert.Contains("127.0.0.1", page.Html, StringComparison.Ordinal);
        Assert.Contains("less than a minute ago", page.Html, StringComparison.Ordinal);
        Assert.Contains("claude-code/2.1 &lt;b&gt;", page.Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_blip_of_the_network_during_the_code_exchange_costs_nothing()
    {
        var resets = 0;
        _idp.Script = exchange =>
        {
            if (exchange.Request.Path != "/token" || resets++ > 0)
            {
                return null;
            }

            exchange.Reset();
            return Task.CompletedTask;
        };
        await using var gateway = await StartAsync();
        await gateway.SignInAsync();
        Assert.Equal(2, _idp.TokenRequests.Count());
    }

    [Fact]
    public async Task So_does_a_blip_while_the_keys_are_fetched()
    {
        var resets = 0;
        _idp.Script = exchange =>
        {
            if (exchange.Request.Path != "/jwks" || resets++ > 0)
            {
                return null;
            }

            exchange.Reset();
            return Task.CompletedTask;
        };
        await using var gateway = await StartAsync();
        await gateway.SignInAsync();
    }

    [Theory]
    [InlineData("name", HttpStatusCode.OK)]
    [InlineData("groups", HttpStatusCode.OK)]
    [InlineData("sub", HttpStatusCode.Forbidden)]
    public async Task A_NUL_character_in_a_claim_is_no_failure_and_names_nobody(string claim, HttpStatusCode expected)
    {
        _idp.User[claim] = claim == "groups" ? new System.Text.Json.Nodes.JsonArray("e\0ng") : "a\0b";
        await using var gateway = await StartAsync(await PostgresServer.NewDatabaseAsync());
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        Assert.Equal(expected, (await gateway.ApproveAsync(browser, device.UserCode)).Status);
    }

    [Fact]
    public async Task An_approved_identity_copied_to_another_grant_in_the_database_signs_nobody_in()
    {
        var url = await PostgresServer.NewDatabaseAsync();
        await using var gateway = await StartAsync(url);
        var (alice, mallory) = (await gateway.AuthorizeDeviceAsync(), await gateway.AuthorizeDeviceAsync());
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, alice.UserCode);
        await using (var database = Npgsql.NpgsqlDataSource.Create(PostgresUrl.Parse(gateway.Config.Store).Settings))
        {
            await database.CreateCommand(
                "UPDATE gw_device_grant SET status = 'approved', approved_at = requested_at, sealed_identity = (SELECT "
                    + "sealed_identity FROM gw_device_grant WHERE status = 'approved') WHERE status = 'pending'")
                        .ExecuteNonQueryAsync();
        }

        Assert.Equal(
            "expired_token", (await gateway.PollAsync(mallory.DeviceCode)).Json.GetProperty("error").GetString());
        Assert.Equal(200, (await gateway.PollAsync(alice.DeviceCode)).Status);
    }

    [Fact]
    public async Task When_the_IdP_stays_away_during_the_code_exchange_reloading_the_page_finishes_the_sign_in()
    {
        var isAway = true;
        _idp.Script = exchange =>
        {
            if (exchange.Request.Path != "/token" || !isAway)
            {
                return null;
            }

            exchange.Reset();
            return Task.CompletedTask;
        };
        await using var gateway = await StartAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        var page = await gateway.ApproveAsync(browser, device.UserCode);
        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Equal(
            "authorization_pending",
            (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());

        isAway = false;
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(page.Url)).Status);
        Assert.Equal(200, (await gateway.PollAsync(device.DeviceCode)).Status);
    }

    [Fact]
    public async Task A_key_rotation_at_the_IdP_costs_nobody_a_sign_in()
    {
        await using var gateway = await StartAsync();
        await gateway.SignInAsync();
        using var next = System.Security.Cryptography.RSA.Create(2048);
        _idp.PublishedKeys.Clear();
        _idp.PublishedKeys["k2"] = next;
        (_idp.SigningKey, _idp.KeyId) = (next, "k2");
        await gateway.SignInAsync();
    }

    [Fact]
    public async Task Tokens_with_invented_key_ids_do_not_make_the_gateway_hammer_the_IdP()
    {
        await using var gateway = await StartAsync();
        _idp.KeyId = "invented";
        for (var i = 0; i < 12; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(gateway.SignInAsync);
        }

        Assert.InRange(_idp.Requests.Count(request => request.Path == "/jwks"), 1, 5);
    }

    [Theory]
    [InlineData("email_verified", "false")]
    [InlineData("aud", "\"someone else\"")]
    [InlineData("nonce", "\"replayed\"")]
    [InlineData("iss", "\"https://evil.example\"")]
    [InlineData("sub", "null")]
    [InlineData("exp", "1")]
    public async Task An_id_token_that_breaks_a_rule_ends_the_sign_in(string claim, string value)
    {
        _idp.ClaimOverrides[claim] = JsonNode.Parse(value);
        await using var gateway = await StartAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        Assert.Equal(HttpStatusCode.Forbidden, (await gateway.ApproveAsync(browser, device.UserCode)).Status);
        Assert.Equal(
            "access_denied", (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
        Assert.Equal("fail", (await gateway.Log.AuditAsync("session.mint")).GetProperty("result").GetString());
    }

    [Fact]
    public async Task During_a_rolling_secret_rotation_a_sign_in_begun_on_either_replica_ends_on_the_other()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        const string next = "next-secret-0123456789-0123456789-0123456789";
        await using var old = await StartAsync(store, config => Public(config));
        await using var updated = await StartAsync(
            store,
            config =>
                Public(config) with
                {
                    Session = config.Session with
                    {
                        JwtSecrets = [
                    new Secret(next), new Secret(TestConfig.JwtSecret)]
                    }
                });
        foreach (var (approves, redeems) in new[] { (updated, old), (old, updated) })
        {
            var device = await approves.AuthorizeDeviceAsync();
            using var browser = approves.NewBrowser();
            await approves.ApproveAsync(browser, device.UserCode);
            var token = await redeems.PollAsync(device.DeviceCode);
            Assert.Equal(200, token.Status);
            Assert.Equal(200, (await approves.RefreshAsync(token.RefreshToken)).Status);
            using var models = await updated.GetAsync("/v1/models", token.AccessToken);
            Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        }
    }

    [Fact]
    public async Task The_callback_in_another_browser_is_refused_and_the_right_one_still_works()
    {
        await using var gateway = await StartAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        browser.FollowsRedirects = false;
        var toIdp = await browser.PostFormAsync(new Uri($"{gateway.PublicUrl}/device"), ("user_code", device.UserCode));
        var back = (await browser.GetAsync(toIdp.Response.Headers.Location!)).Response.Headers.Location!;

        using var stranger = gateway.NewBrowser();
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.GetAsync(back)).Status);
        Assert.Equal(
            "browser_mismatch", (await gateway.Log.AuditAsync("device.callback")).GetProperty("result").GetString());
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(back)).Status);
    }

    [Fact]
    public async Task Neither_codes_nor_secrets_are_in_the_redirect_to_the_IdP_and_the_state_is_short()
    {
        await using var gateway = await StartAsync();
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, device.UserCode);
        var query = _idp.AuthorizeRequests.Single().Query;
        Assert.DoesNotContain(device.UserCode, string.Concat(query.Values), StringComparison.Ordinal);
        Assert.DoesNotContain(device.DeviceCode, string.Concat(query.Values), StringComparison.Ordinal);
        Assert.InRange(query["state"].Length, 22, 64);
    }

    [Fact]
    public async Task Private_key_jwt_signs_in_and_refreshes_without_a_secret()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=gw",
            key,
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow().AddDays(10));
        var assertion = new ClientAssertionConfig(
            new Secret(key.ExportPkcs8PrivateKeyPem()), certificate.ExportCertificatePem());
        await using var gateway = await StartAsync(change: config => config with
        {
            Oidc = config.Oidc with
            {
                ClientSecret = null,
                TokenEndpointAuthMethod = TokenEndpointAuthMethod.PrivateKeyJwt,
                ClientAssertion = assertion
            },
        });
        await gateway.RefreshAsync((await gateway.SignInAsync()).RefreshToken);
        Assert.Equal(2, _idp.TokenRequests.Select(r => r.Form["client_assertion"]).Distinct().Count());
        Assert.All(_idp.TokenRequests, r => Assert.False(r.Form.ContainsKey("client_secret")));
        await gateway.Log.LineAsync("renew it");
    }

    private async Task<GatewayHost> StartAsync(string? store = null, Func<GatewayConfig, GatewayConfig>? change = null)
    {
        var config = TestConfig.Create(_idp, [_upstream], store);
        return await GatewayHost.StartAsync(change is null ? config : change(config));
    }

    private static GatewayConfig Public(GatewayConfig config) =>
        config with { Listen = config.Listen with { PublicUrl = "http://gw.example.com" } };
}
