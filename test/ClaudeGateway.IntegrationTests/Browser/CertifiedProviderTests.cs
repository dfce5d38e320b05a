using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Browser;

/// <summary>The whole sign-in against npm's oidc-provider, a certified OpenID provider, in a real browser.</summary>
public sealed class CertifiedProviderTests
{
    [Theory]
    [InlineData("RS256", true)]
    [InlineData("ES256", false)]
    [InlineData("PS256", false)]
    [InlineData("EdDSA", false)]
    public async Task A_developer_signs_in_with_the_keyboard_alone_refreshes_and_signs_out(
        string algorithm, bool javaScript)
    {
        SkipWithoutProvider();
        var port = Ports.Free();
        await using var idp = await NpmOidcProvider.StartAsync($"http://localhost:{port}/oauth/callback", algorithm);
        await using var upstream = new FakeUpstream();
        await using var gateway = await GatewayHost.StartAsync(Config(idp, upstream, port, algorithm));
        var token = await SignInAsync(gateway, javaScript);
        Assert.Equal("ada@example.com", token.Claims.GetProperty("email").GetString());
        Assert.Equal("eng", token.Claims.GetProperty("groups")[0].GetString());
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(200, renewed.Status);
        (await gateway.PostFormAsync("/oauth/revoke", ("token", renewed.RefreshToken))).Dispose();
        Assert.Equal(401, (await gateway.RefreshAsync(renewed.RefreshToken)).Status);
    }

    [Fact]
    public async Task Where_the_provider_rotates_twenty_holders_over_two_replicas_have_one_session_that_lives_on()
    {
        SkipWithoutProvider();
        var port = Ports.Free();
        await using var idp = await NpmOidcProvider.StartAsync(
            $"http://localhost:{port}/oauth/callback", "RS256", rotates: true);
        await using var upstream = new FakeUpstream();
        var store = new StoreConfig { PostgresUrl = new Secret(await PostgresServer.NewDatabaseAsync()) };
        var config = Config(idp, upstream, port, "RS256") with { Store = store };
        await using var one = await GatewayHost.StartAsync(config);
        await using var two = await GatewayHost.StartAsync(
            config with { Listen = config.Listen with { Port = 0 } });
        var token = await SignInAsync(one, javaScript: true);

        for (var round = 0; round < 3; round++)
        {
            var presented = token.RefreshToken;
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : two).RefreshAsync(presented)));
            Assert.All(answers, answer => Assert.Equal(200, answer.Status));
            Assert.Single(answers.Select(answer => (answer.AccessToken, answer.RefreshToken)).Distinct());
            token = answers[0];
        }

        using var models = await two.GetAsync("/v1/models", token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
    }

    private static void SkipWithoutProvider() =>
        Assert.SkipWhen(
            !NpmOidcProvider.IsInstalled && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI")),
            "npm's oidc-provider is not installed: run './dev test', or set OIDC_PROVIDER");
    /// <summary>A person signs in on the provider's pages.</summary>
    private static async Task<TokenAnswer> SignInAsync(GatewayHost gateway, bool javaScript)
    {
        var device = await gateway.AuthorizeDeviceAsync();

        var page = await Chromium.NewVisitorAsync(javaScript);
        await page.GotoAsync(device.Json.GetProperty("verification_uri_complete").GetString()!);
        await PressAsync(page, "The codes match: sign in");
        await page.Locator("input[name=login]").FocusAsync();
        await page.Keyboard.TypeAsync("ada");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("any password");
        await page.ToNextPageAsync(() => page.Keyboard.PressAsync("Enter"));
        await PressAsync(page, "Continue");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 }))
            .ToHaveTextAsync("You are signed in");

        return await gateway.PollAsync(device.DeviceCode);
    }

    private static async Task PressAsync(IPage page, string button)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = button }).FocusAsync();
        await page.ToNextPageAsync(() => page.Keyboard.PressAsync("Enter"));
    }

    private static GatewayConfig Config(NpmOidcProvider idp, FakeUpstream upstream, int port, string algorithm) => new()
    {
        Path = "gateway.yaml",
        Sha256 = new string('0', 64),
        Listen = new ListenConfig { Host = "127.0.0.1", Port = port, PublicUrl = $"http://localhost:{port}" },
        Oidc = new OidcConfig
        {
            Issuer = new Uri(idp.Issuer),
            IssuerText = idp.Issuer,
            ClientId = FakeIdentityProvider.ClientId,
            ClientSecret = new Secret(FakeIdentityProvider.ClientSecret),
            IdTokenSignedResponseAlg = algorithm,
            // The provider grants offline access only to those whom it asks for consent.
            ExtraAuthParams = new Dictionary<string, string> { ["prompt"] = "consent" },
        },
        Session = new SessionConfig { JwtSecrets = [new Secret(TestConfig.JwtSecret)] },
        Store = new StoreConfig { SqlitePath = new TemporaryFolder().File("gateway.db") },
        Upstreams = [TestConfig.Anthropic(upstream, "anthropic")],
    };
}
