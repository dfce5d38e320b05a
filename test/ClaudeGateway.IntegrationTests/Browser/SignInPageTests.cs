using ClaudeGateway.Testing;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Browser;

/// <summary>The gateway's own pages as people meet them: light and dark, on a phone, by keyboard, without JavaScript.</summary>
public sealed class SignInPageTests : IAsyncLifetime
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private GatewayHost _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await GatewayHost.StartAsync(TestConfig.Create(_idp, [_upstream]) with { LoginNotice = "Authorized use only." });

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, false)]
    [InlineData(ColorScheme.Dark, true)]
    public async Task No_page_has_a_serious_barrier_or_is_too_wide(ColorScheme colors, bool phone)
    {
        var page = await Chromium.NewVisitorAsync(colors: colors, phone: phone);
        var device = await _gateway.AuthorizeDeviceAsync();

        await LookAsync("/");
        await LookAsync("/device");
        await page.GetByRole(AriaRole.Textbox).FillAsync("nonsense");
        await ActAsync(() => page.Keyboard.PressAsync("Enter"));
        await LookAsync($"/device?user_code={device.UserCode}");
        await ActAsync(() => page.GetByRole(AriaRole.Button).First.ClickAsync());
        await LookAsync("/oauth/callback?state=x&code=y");
        await LookAsync($"/device?user_code={(await _gateway.AuthorizeDeviceAsync()).UserCode}");
        await ActAsync(() => page.GetByRole(AriaRole.Button).Nth(1).ClickAsync());

        async Task LookAsync(string path)
        {
            await page.GotoAsync(_gateway.At(path).ToString());
            await InspectAsync();
        }

        async Task ActAsync(Func<Task> act)
        {
            await page.ToNextPageAsync(act);
            await InspectAsync();
        }

        async Task InspectAsync()
        {
            Assert.Empty(await page.SeriousProblemsAsync());
            Assert.True(await page.FitsItsWidthAsync(), $"{page.Url} is wider than the window");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_keyboard_alone_signs_a_device_in(bool javaScript)
    {
        var page = await Chromium.NewVisitorAsync(javaScript);
        var device = await _gateway.AuthorizeDeviceAsync();
        await page.GotoAsync(_gateway.At("/device").ToString());
        await page.Keyboard.PressAsync("Tab");
        await page.GetByRole(AriaRole.Textbox).FocusAsync();
        await page.Keyboard.TypeAsync(device.UserCode.ToLowerInvariant());
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForURLAsync(url => url.Contains("/oauth/callback", StringComparison.Ordinal));
        Assert.Equal(200, (await _gateway.PollAsync(device.DeviceCode)).Status);
    }

    [Fact]
    public async Task The_notice_and_the_code_are_shown_before_anything_is_approved()
    {
        var page = await Chromium.NewVisitorAsync(javaScript: false);
        var device = await _gateway.AuthorizeDeviceAsync();
        await page.GotoAsync(_gateway.At($"/device?user_code={device.UserCode}").ToString());
        var text = await page.GetByRole(AriaRole.Main).InnerTextAsync();
        Assert.Contains(device.UserCode, text, StringComparison.Ordinal);
        Assert.Contains("Authorized use only.", text, StringComparison.Ordinal);
        Assert.Equal("authorization_pending", (await _gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
    }
}
