using ClaudeGateway.Testing;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Browser;

/// <summary>The gateway's own pages in a real browser: no barriers, no script needed, a keyboard is enough.</summary>
public sealed class SignInPagesTests : IAsyncLifetime
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private GatewayHost? _gateway;

    private GatewayHost Gateway => _gateway!;

    public async ValueTask InitializeAsync() =>
        _gateway = await GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_upstream]) with { LoginNotice = "Authorized use only." });

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    public static TheoryData<string, ColorScheme, bool> Looks
    {
        get
        {
            var looks = new TheoryData<string, ColorScheme, bool>();
            foreach (var path in (string[])["/", "/device", "/device?user_code=", "/oauth/callback?state=x"])
            {
                looks.Add(path, ColorScheme.Light, false);
                looks.Add(path, ColorScheme.Dark, true);
            }

            return looks;
        }
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_page_has_no_barrier_and_fits_its_window(string path, ColorScheme colors, bool phone)
    {
        var device = await Gateway.AuthorizeDeviceAsync();
        var page = await Chromium.NewVisitorAsync(colors: colors, phone: phone);
        await page.GotoAsync(Gateway.At(path + (path.EndsWith('=') ? device.UserCode : "")).ToString());
        Assert.Empty(await page.SeriousProblemsAsync());
        Assert.True(await page.FitsItsWidthAsync());
        Assert.Equal("en", await page.Locator("html").GetAttributeAsync("lang"));
        Assert.Equal(1, await page.GetByRole(AriaRole.Main).CountAsync());
        Assert.Equal(1, await page.GetByRole(AriaRole.Heading, new() { Level = 1 }).CountAsync());
    }

    [Fact]
    public async Task A_code_is_typed_and_the_sign_in_finished_with_the_keyboard_alone_and_without_JavaScript()
    {
        var device = await Gateway.AuthorizeDeviceAsync();
        var page = await Chromium.NewVisitorAsync(javaScript: false);
        await page.GotoAsync(Gateway.At("/device").ToString());
        await page.GetByLabel("Code").FocusAsync();
        await page.Keyboard.TypeAsync(device.UserCode.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant());
        await page.ToNextPageAsync(() => page.Keyboard.PressAsync("Enter"));
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("You are signed in");
        Assert.Equal(200, (await Gateway.PollAsync(device.DeviceCode)).Status);
    }

    [Fact]
    public async Task The_link_with_the_code_asks_first_and_signs_nobody_in_by_itself()
    {
        var device = await Gateway.AuthorizeDeviceAsync();
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(device.Json.GetProperty("verification_uri_complete").GetString()!);
        await Assertions.Expect(page.GetByText(device.UserCode)).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Authorized use only.")).ToBeVisibleAsync();
        Assert.Equal(
            "authorization_pending",
            (await Gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task The_page_at_the_end_of_a_sign_in_has_no_barrier(ColorScheme colors)
    {
        var device = await Gateway.AuthorizeDeviceAsync();
        var page = await Chromium.NewVisitorAsync(colors: colors);
        await page.GotoAsync(device.Json.GetProperty("verification_uri_complete").GetString()!);
        await page.ToNextPageAsync(() => page.GetByRole(AriaRole.Button).First.ClickAsync());
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("You are signed in");
        Assert.Empty(await page.SeriousProblemsAsync());
    }

    [Fact]
    public async Task Deny_denies()
    {
        var device = await Gateway.AuthorizeDeviceAsync();
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(device.Json.GetProperty("verification_uri_complete").GetString()!);
        await page.ToNextPageAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Deny" }).ClickAsync());
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Request denied");
        Assert.Empty(await page.SeriousProblemsAsync());
        Assert.Equal(
            "access_denied", (await Gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_wrong_code_is_said_where_it_is_typed_again()
    {
        var page = await Chromium.NewVisitorAsync();
        await page.GotoAsync(Gateway.At("/device").ToString());
        await page.GetByLabel("Code").FillAsync("BBBB-BBBB");
        await page.ToNextPageAsync(() => page.Keyboard.PressAsync("Enter"));
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("not known");
        await Assertions.Expect(page.GetByLabel("Code")).ToBeFocusedAsync();
        Assert.Empty(await page.SeriousProblemsAsync());
    }
}
