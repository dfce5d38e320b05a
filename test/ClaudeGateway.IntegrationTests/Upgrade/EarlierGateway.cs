using System.Globalization;
using System.Net;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>A program of an earlier version, and what developers and an administrator do with it.</summary>
internal sealed class EarlierGateway : IAsyncDisposable
{
    private const string Limits = "/v1/organizations/spend_limits";
    private const string Checksum = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly GatewayProcess _process;

    private EarlierGateway(GatewayProcess process, Uri url)
    {
        _process = process;
        Client = new GatewayClient(url, RecordedState.PublicUrl);
    }

    public GatewayClient Client { get; }

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
            admin = new { write_keys = new[] { new { id = "test", key = StoreHost.AdminKey } } },
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

    public async Task RevokeAsync(string refreshToken)
    {
        using var response = await Client.SendAsync(
            HttpMethod.Post, "/oauth/revoke", new FormUrlEncodedContent([new("token", refreshToken)]));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    public async Task MessageAsync(string bearer)
    {
        using var response = await Client.PostJsonAsync(
            "/v1/messages",
            """{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}""",
            ("Authorization", $"Bearer {bearer}"),
            ("x-claude-code-managed-settings-checksum", Checksum));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <returns>False where there are no spend limits yet.</returns>
    public async Task<bool> LimitAsync(params object[] limits)
    {
        foreach (var limit in limits)
        {
            using var response = await Client.PostJsonAsync(
                Limits, JsonSerializer.Serialize(limit), ("x-api-key", StoreHost.AdminKey));
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
        using var response = await Client.SendAsync(
            HttpMethod.Get, Limits + path, null, ("x-api-key", StoreHost.AdminKey));
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
        using var response = await Client.SendAsync(
            HttpMethod.Get, "/v1/organizations/settings_versions", null, ("x-api-key", StoreHost.AdminKey));
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("machines").GetInt32();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _process.DisposeAsync();
    }
}
