using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>
/// One or more gateways with spend limits on one database, an upstream whose usage a test sets, and developers by name.
/// </summary>
internal sealed class SpendHost : IAsyncDisposable
{
    public const string AdminKey = "admin-key-0123456789-0123456789-0123456789";
    public const string ReadKey = "read-key-0123456789-0123456789-01234567890";
    public const string PublicUrl = "http://localhost:18080";
    public const string Path = "/v1/organizations/spend_limits";

    private readonly FakeIdentityProvider _idp = new();
    private readonly List<GatewayHost> _gateways = [];
    private readonly string? _postgresUrl;

    public SpendHost(string? postgresUrl)
    {
        _postgresUrl = postgresUrl;
        Spends(0);
    }

    public FakeUpstream Upstream { get; } = new() { OutputTokens = 0 };

    /// <summary>The first gateway.</summary>
    public GatewayHost Gateway => _gateways[0];

    /// <summary>Starts another gateway on the same database.</summary>
    /// <param name="hearsOthers">Waited for; false where a pooler keeps the news away.</param>
    public async Task<GatewayHost> StartAsync(
        Func<GatewayConfig, GatewayConfig>? change = null, bool hearsOthers = true)
    {
        var config = Config();
        var gateway = await GatewayHost.StartAsync(
            change is null ? config : change(config), level: Logging.LogLevel.Debug);
        _gateways.Add(gateway);
        if (_postgresUrl is not null && hearsOthers)
        {
            await gateway.Log.LineAsync($"hearing of other replicas ({_gateways.Count} in all)");
        }

        return gateway;
    }

    /// <summary>Starts another gateway as a process of its own, to be killed.</summary>
    public async Task<SpendProcess> StartProcessAsync(TemporaryFolder folder)
    {
        var config = new
        {
            listen = new { host = "127.0.0.1", port = 0, public_url = PublicUrl },
            oidc = new
            {
                issuer = _idp.Issuer,
                client_id = FakeIdentityProvider.ClientId,
                client_secret = FakeIdentityProvider.ClientSecret,
            },
            session = new { jwt_secret = TestConfig.JwtSecret },
            store = new { postgres_url = _postgresUrl },
            upstreams = new[] { new { provider = "anthropic", base_url = Upstream.Url, auth = new { api_key = "k" } } },
            admin = new { write_keys = new[] { new { id = "test", key = AdminKey } } },
        };
        // YAML is a superset of JSON.
        await File.WriteAllTextAsync(folder.File("gateway.yaml"), JsonSerializer.Serialize(config));
        var process = GatewayProcess.Start(
            folder.Path,
            new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" },
            "--config",
            "gateway.yaml");
        var line = await process.Errors.LineAsync("listening on ");
        return new SpendProcess(process, new Uri(line[(line.LastIndexOf(' ') + 1)..]));
    }

    public GatewayConfig Config()
    {
        var config = TestConfig.Create(_idp, [Upstream], _postgresUrl);
        return config with
        {
            // The same origin for all: bearers of one must do for the others.
            Listen = config.Listen with { PublicUrl = PublicUrl },
            Admin = new AdminConfig
            {
                WriteKeys = [new AdminKey("test", new Secret(AdminKey))],
                ReadKeys = [new AdminKey("reader", new Secret(ReadKey))],
            },
        };
    }

    /// <summary>
    /// What each request costs from now on: whole cents of sonnet input, 0.3 cents a thousand tokens.
    /// </summary>
    public void Spends(decimal cents) => Upstream.Usage = new
    {
        input_tokens = (long)(cents / 0.3m * 1000),
        output_tokens = 0,
    };

    public string Bearer(string sub, params string[] groups) => BearerOf(sub, $"{sub}@example.com", groups);

    public string BearerOf(string sub, string? email, params string[] groups)
    {
        var config = Config();
        var tokens = new SessionTokens(config, new SessionSecrets(config.Session.JwtSecrets), TimeProvider.System);
        return tokens.Mint(new Identity(sub, email, sub, groups), SessionTokens.NewId()).Token;
    }

    public async Task<JsonElement> LimitAsync(
        object scope, string? amount, string period = "daily", GatewayHost? gateway = null, object? pool = null)
    {
        var body = pool is null
            ? (object)new { scope, amount, period }
            : new { scope, amount, period, pooled_budget = pool };
        using var response = await AdminAsync(HttpMethod.Post, "", body, gateway);
        var json = await JsonAsync(response);
        return response.IsSuccessStatusCode ? json : throw new InvalidOperationException(json.ToString());
    }

    public Task<HttpResponseMessage> AdminAsync(
        HttpMethod method, string path, object? body = null, GatewayHost? gateway = null) =>
        (gateway ?? Gateway)
        .SendAsync(method, Path + path, body is null ? null : Content(body), ("x-api-key", AdminKey));

    /// <summary>Status of a request by the developer; its answer is read to the end.</summary>
    public async Task<int> SendAsync(string bearer, GatewayHost? gateway = null)
    {
        using var response = await (gateway ?? Gateway).SendMessageAsync(bearer);
        await response.Content.ReadAsByteArrayAsync();
        return (int)response.StatusCode;
    }

    /// <summary>Cents the developer has spent this month, as the admin API says.</summary>
    public async Task<decimal> SpentAsync(string sub, GatewayHost? gateway = null)
    {
        using var response = await AdminAsync(
            HttpMethod.Get, $"/effective?user_ids[]={Uri.EscapeDataString(sub)}&period[]=monthly", null, gateway);
        var row = (await JsonAsync(response)).GetProperty("data")[0];
        return decimal.Parse(row.GetProperty("period_to_date_spend").GetString()!, CultureInfo.InvariantCulture);
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

    public static object User(string sub) => new { type = "user", user_id = sub };

    public static object Group(string name) => new { type = "rbac_group", rbac_group_id = name };

    public static object Organization => new { type = "organization" };

    /// <summary>Stops a gateway as SIGTERM would.</summary>
    public async Task StopAsync(GatewayHost gateway)
    {
        _gateways.Remove(gateway);
        await gateway.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        await Upstream.DisposeAsync();
        await _idp.DisposeAsync();
    }

    private static ByteArrayContent Content(object body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(body)));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}

/// <summary>A gateway in a process of its own.</summary>
internal sealed class SpendProcess(GatewayProcess process, Uri url) : IAsyncDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());

    public async Task SendAsync(string bearer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url, "/v1/messages"))
        {
            Content = new StringContent(
                """{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}""",
                Encoding.UTF8,
                "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bearer}");
        using var response = await _http.SendAsync(request, CancellationToken.None);
        await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(200, (int)response.StatusCode);
    }

    /// <summary>Ends it without a word (SIGKILL).</summary>
    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await process.DisposeAsync();
    }
}
