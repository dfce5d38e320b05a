using System.Text;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>
/// One developer's machine: talks HTTP to a gateway, or to what stands before several, and tries nothing a second time.
/// </summary>
/// <param name="url">Where requests go.</param>
/// <param name="publicUrl">The origin that the gateway calls its own, without a trailing slash.</param>
internal sealed class GatewayClient(Uri url, string publicUrl) : IDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    /// <returns>Device code and user code of a sign-in that nobody has confirmed yet.</returns>
    public async Task<(string DeviceCode, string UserCode)> BeginSignInAsync()
    {
        var device = await FormAsync("/oauth/device_authorization");
        return (device.GetProperty("device_code").GetString()!, device.GetProperty("user_code").GetString()!);
    }

    /// <summary>From the terminal through the browser and back.</summary>
    public async Task<(string Bearer, string RefreshToken)> SignInAsync()
    {
        var (deviceCode, userCode) = await BeginSignInAsync();
        using var browser = new BrowserClient();
        browser.Map(publicUrl, url);
        await browser.GetAsync(new Uri($"{publicUrl}/device?user_code={userCode}"));
        var page = await browser.PostFormAsync(new Uri($"{publicUrl}/device"), ("user_code", userCode));
        return page.Response.IsSuccessStatusCode
            ? Tokens(await FormAsync(
                "/oauth/token",
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", deviceCode)))
            : throw new InvalidOperationException($"{page.Url}: {page.Status} {page.Html}");
    }

    public async Task<(string Bearer, string RefreshToken)> RefreshAsync(string refreshToken) =>
        Tokens(await FormAsync(
            "/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", refreshToken)));

    /// <summary>Returns when the headers are there; the caller reads and disposes the body.</summary>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, new Uri(url, path)) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return _http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
    }

    public Task<HttpResponseMessage> PostJsonAsync(
        string path, string json, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public void Dispose() => _http.Dispose();

    private static (string Bearer, string RefreshToken) Tokens(JsonElement answer) =>
        (answer.GetProperty("access_token").GetString()!, answer.GetProperty("refresh_token").GetString()!);

    private async Task<JsonElement> FormAsync(string path, params (string Name, string Value)[] fields)
    {
        using var response = await SendAsync(
            HttpMethod.Post,
            path,
            new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement
            : throw new InvalidOperationException($"{path}: {(int)response.StatusCode} {text}");
    }
}
