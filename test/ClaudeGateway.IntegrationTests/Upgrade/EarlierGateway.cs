using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>A program of an earlier version, and what developers and an administrator do with it.</summary>
internal sealed class EarlierGateway : IAsyncDisposable
{
    private const string AdminKey = "admin-key-0123456789-0123456789-0123456789";
    private const string Limits = "/v1/organizations/spend_limits";
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
    private const string Checksum = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly GatewayProcess _process;
    private readonly Uri _url;

    private EarlierGateway(GatewayProcess process, Uri url)
    {
        _process = process;
        _url = url;
    }

    public static async Task<EarlierGateway> StartAsync(
        string program, TemporaryFolder folder, StoreConfig store, string issuer, Uri upstream)
    {
        var config = new
        {
            listen = new { host = "127.0.0.1", port = 0, public_url = RecordedState.PublicUrl },
            oidc = new
            {
                issuer,
                client_id = FakeIdentityProvider.ClientId,
                client_secret = FakeIdentityProvider.ClientSecret,
            },
            session = new { jwt_secret = TestConfig.JwtSecret },
            store = store.PostgresUrl is { } url
                ? (object)new { postgres_url = url.Reveal() }
                : new { sqlite_path = store.SqlitePath },
            upstreams = new[]
            {
                new { provider = "anthropic", base_url = upstream, auth = new { api_key = TestConfig.UpstreamKey } },
            },
            admin = new { write_keys = new[] { new { id = "test", key = AdminKey } } },
        };
        // YAML is a superset of JSON.
        await File.WriteAllTextAsync(folder.File("gateway.yaml"), JsonSerializer.Serialize(config));
        var process = GatewayProcess.StartProgram(
            program,
            folder.Path,
            new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" },
            "--config",
            "gateway.yaml");
        var line = await process.Errors.LineAsync("listening on ");
        return new EarlierGateway(process, new Uri(line[(line.LastIndexOf(' ') + 1)..]));
    }

    public Task<int> StopAsync() => _process.StopAsync();

    /// <returns>Device code and user code of a sign-in that nobody has confirmed yet.</returns>
    public async Task<(string DeviceCode, string UserCode)> BeginSignInAsync()
    {
        var device = await FormAsync("/oauth/device_authorization");
        return (device.GetProperty("device_code").GetString()!, device.GetProperty("user_code").GetString()!);
    }

    public async Task<(string Bearer, string RefreshToken)> SignInAsync()
    {
        var (deviceCode, userCode) = await BeginSignInAsync();
        using var browser = new BrowserClient();
        browser.Map(RecordedState.PublicUrl, _url);
        await browser.GetAsync(new Uri($"{RecordedState.PublicUrl}/device?user_code={userCode}"));
        var page = await browser.PostFormAsync(new Uri($"{RecordedState.PublicUrl}/device"), ("user_code", userCode));
        Assert.True(page.Status == HttpStatusCode.OK, $"{page.Url}: {page.Status} {page.Html}");
        var token = await FormAsync("/oauth/token", ("grant_type", DeviceGrant), ("device_code", deviceCode));
        return (token.GetProperty("access_token").GetString()!, token.GetProperty("refresh_token").GetString()!);
    }

    public async Task RevokeAsync(string refreshToken)
    {
        using var response = await SendAsync(
            HttpMethod.Post, "/oauth/revoke", new FormUrlEncodedContent([new("token", refreshToken)]));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    public async Task MessageAsync(string bearer)
    {
        using var response = await SendAsync(
            HttpMethod.Post,
            "/v1/messages",
            Json("""{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}"""),
            ("Authorization", $"Bearer {bearer}"),
            ("x-claude-code-managed-settings-checksum", Checksum));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <returns>False where there are no spend limits yet.</returns>
    public async Task<bool> LimitAsync(params object[] limits)
    {
        foreach (var limit in limits)
        {
            using var response = await SendAsync(
                HttpMethod.Post, Limits, Json(JsonSerializer.Serialize(limit)), ("x-api-key", AdminKey));
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized)
            {
                return false;
            }

            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        }

        return true;
    }

    public async Task<JsonElement> AdminAsync(string path)
    {
        using var response = await SendAsync(HttpMethod.Get, Limits + path, null, ("x-api-key", AdminKey));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("data").Clone();
    }

    /// <summary>Cents of this month; what is not written yet is written before the answer.</summary>
    public async Task<decimal> SpentAsync(string sub)
    {
        var rows = await AdminAsync($"/effective?user_ids[]={sub}&period[]=monthly");
        return decimal.Parse(rows[0].GetProperty("period_to_date_spend").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>Null where they are not counted yet.</summary>
    public async Task<int?> MachinesAsync()
    {
        using var response = await SendAsync(
            HttpMethod.Get, "/v1/organizations/settings_versions", null, ("x-api-key", AdminKey));
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("machines").GetInt32();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task<JsonElement> FormAsync(string path, params (string Name, string Value)[] fields)
    {
        using var response = await SendAsync(
            HttpMethod.Post,
            path,
            new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, new Uri(_url, path)) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return _http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
    }
}
