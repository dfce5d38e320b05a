using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>What /oauth/device_authorization answered (RFC 8628 section 3.2).</summary>
internal sealed record DeviceAuthorization(string DeviceCode, string UserCode, JsonElement Json);

/// <summary>What /oauth/token answered: the JSON object and the status.</summary>
internal sealed record TokenAnswer(int Status, JsonElement Json)
{
    public string AccessToken => Json.GetProperty("access_token").GetString()!;

    public string RefreshToken => Json.GetProperty("refresh_token").GetString()!;

    /// <summary>The claims of the bearer, unchecked.</summary>
    public JsonElement Claims =>
        JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(AccessToken.Split('.')[1])).RootElement;
}

/// <summary>Plays the device flow: the terminal's calls and the browser's, alone or as one whole sign-in.</summary>
internal static class DeviceSignIn
{
    /// <summary>The whole sign-in, as the identity provider's current user; the answer holds the bearer.</summary>
    public static async Task<TokenAnswer> SignInAsync(this GatewayHost gateway)
    {
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        var page = await gateway.ApproveAsync(browser, device.UserCode);
        var token = await gateway.PollAsync(device.DeviceCode);
        return token.Status == 200
            ? token
            : throw new InvalidOperationException(
                $"sign-in failed: {token.Status} {token.Json}; the browser showed {page.Url}: {page.Html}");
    }

    public static async Task<DeviceAuthorization> AuthorizeDeviceAsync(this GatewayHost gateway)
    {
        using var response = await gateway.PostFormAsync("/oauth/device_authorization");
        var json = await ReadAsync(response);
        return response.IsSuccessStatusCode
            ? new DeviceAuthorization(
                json.GetProperty("device_code").GetString()!, json.GetProperty("user_code").GetString()!, json)
            : throw new InvalidOperationException($"device_authorization answered {(int)response.StatusCode} {json}");
    }

    /// <summary>
    /// The browser opens the confirmation page, approves, signs in and comes back; the last page is returned.
    /// </summary>
    public static async Task<BrowserPage> ApproveAsync(this GatewayHost gateway, BrowserClient browser, string userCode)
    {
        await browser.GetAsync(new Uri($"{gateway.PublicUrl}/device?user_code={userCode}"));
        return await browser.PostFormAsync(new Uri($"{gateway.PublicUrl}/device"), ("user_code", userCode));
    }

    public static Task<TokenAnswer> PollAsync(this GatewayHost gateway, string deviceCode) =>
        gateway.TokenAsync(("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", deviceCode));

    public static Task<TokenAnswer> RefreshAsync(this GatewayHost gateway, string refreshToken) =>
        gateway.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", refreshToken));

    public static async Task<TokenAnswer> TokenAsync(
        this GatewayHost gateway, params (string Name, string Value)[] form)
    {
        using var response = await gateway.PostFormAsync("/oauth/token", form);
        return new TokenAnswer((int)response.StatusCode, await ReadAsync(response));
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        try
        {
            return JsonDocument.Parse(text).RootElement;
        }
        catch (JsonException)
        {
            throw new InvalidOperationException($"{(int)response.StatusCode} is not JSON: {text}");
        }
    }
}
