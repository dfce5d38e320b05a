using System.Security.Cryptography;
using ClaudeGateway.Dev;
using ClaudeGateway.Testing;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Browser;

/// <summary>
/// The development identity provider's page in a real browser, with a stand-in for the gateway's callback.
/// </summary>
public sealed class DevSignInPageTests : IAsyncLifetime
{
    private readonly FakeServer _gateway = new(
        e => e.RespondAsync(200, "<!doctype html><title>back</title>", ("content-type", "text/html")));
    private readonly RSA _key = RSA.Create(2048);
    private DevServer? _server;
    private string _issuer = "";

    private string AuthorizeUrl =>
        $"{_issuer}/authorize?client_id=c&redirect_uri={Uri.EscapeDataString(_gateway.LocalUrl + "/oauth/callback")}&response_type=code&scope=openid&state=s%26t&nonce=n"
        + $"&code_challenge={new string('A', 43)}&code_challenge_method=S256";

    public async ValueTask InitializeAsync()
    {
        var client = new DevClient("c", "secret", _gateway.LocalUrl);
        _server = await DevServer.StartAsync(
            0, "test", url =>
                new DevIdentityProvider(url, client, new DevTokens(_key, url, TimeProvider.System),
                    TimeProvider.System).HandleAsync, CancellationToken.None);
        _issuer = _server.Url;
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        await _gateway.DisposeAsync();
        _key.Dispose();
    }

    [Theory]
    [InlineData(ColorScheme.Light, false)]
    [InlineData(ColorScheme.Dark, true)]
    public async Task Has_no_serious_barrier_and_fits_its_window(ColorScheme colors, bool phone)
    {
        var page = await Chromium.NewVisitorAsync(colors: colors, phone: phone);
        await page.GotoAsync(AuthorizeUrl);
        Assert.Empty(await page.SeriousProblemsAsync());
        Assert.True(await page.FitsItsWidthAsync());
        await page.ToNextPageAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync());
        Assert.Empty(await page.SeriousProblemsAsync());
    }

    [Fact]
    public async Task Works_without_JavaScript()
    {
        var page = await Chromium.NewVisitorAsync(javaScript: false);
        await page.GotoAsync(AuthorizeUrl);
        await page.GetByRole(AriaRole.Button, new() { Name = "Ada Lovelace" }).ClickAsync();
        var back = await _gateway.RequestAsync("/oauth/callback");
        Assert.Equal("s&t", back.Query["state"]);
        Assert.Equal(_issuer, back.Query["iss"]);
        Assert.NotEmpty(back.Query["code"]);
    }

    [Fact]
    public async Task Works_with_the_keyboard_alone()
    {
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(AuthorizeUrl);
        foreach (var _ in DevUser.Known)
        {
            await page.Keyboard.PressAsync("Tab");
        }

        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("somebody@example.com");
        await page.Keyboard.PressAsync("Enter");
        Assert.NotEmpty((await _gateway.RequestAsync("/oauth/callback")).Query["code"]);
    }

    [Fact]
    public async Task What_was_typed_wrong_is_said_and_stays()
    {
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(AuthorizeUrl);
        await page.GetByLabel("E-mail address").FillAsync("\"><b>nobody");
        await page.ToNextPageAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync());
        Assert.Contains(
            "name@example.com", await page.GetByRole(AriaRole.Alert).TextContentAsync(), StringComparison.Ordinal);
        Assert.Equal("\"><b>nobody", await page.GetByLabel("E-mail address").InputValueAsync());
    }

    [Fact]
    public async Task Cancel_goes_back_with_access_denied()
    {
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(AuthorizeUrl);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        Assert.Equal("access_denied", (await _gateway.RequestAsync("/oauth/callback")).Query["error"]);
    }

    [Fact]
    public async Task A_form_sent_from_elsewhere_signs_nobody_in()
    {
        using var browser = new BrowserClient
        {
            Headers = { ["Origin"] = "http://evil.example",
            ["Sec-Fetch-Site"] = "cross-site" }
        };
        var page = await browser.PostFormAsync(new Uri(AuthorizeUrl), ("user", "ada"));
        Assert.Equal(400, (int)page.Status);
        Assert.Empty(_gateway.Requests);
    }

    [Fact]
    public async Task A_request_for_another_client_is_not_sent_on()
    {
        using var browser = new BrowserClient();
        var page = await browser.GetAsync(
            new Uri(AuthorizeUrl.Replace("callback", "elsewhere", StringComparison.Ordinal)));
        Assert.Equal(400, (int)page.Status);
        Assert.Contains("redirect_uri is not", page.Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_name_for_this_machine_is_refused()
    {
        using var browser = new BrowserClient { Headers = { ["Host"] = "evil.example" } };
        Assert.Equal(421, (int)(await browser.GetAsync(new Uri(AuthorizeUrl))).Status);
    }
}
