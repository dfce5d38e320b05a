using System.Globalization;
using System.Net;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Outage;

/// <summary>
/// Two replicas, each a process of its own, on one PostgreSQL and behind one load balancer, and developers who know the
/// balancer's address alone.
/// </summary>
internal sealed class RollingFleet : IAsyncDisposable
{
    /// <summary>Of each message: 1,000 tokens in and 500 out of claude-sonnet-4-6, in billionths of a cent.</summary>
    public const long MessageCost = 1_050_000_000;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly int[] _ports;
    private readonly GatewayProcess?[] _replicas;
    private readonly List<GatewayProcess> _all = [];
    private HaProxy _balancer = null!;

    private RollingFleet(string database)
    {
        Database = database;
        _ports = [Ports.Quiet(), Ports.Quiet()];
        _replicas = new GatewayProcess?[_ports.Length];
        _upstream.Script = AnswerSlowlyAsync;
    }

    public string Database { get; }

    public int Replicas => _ports.Length;

    /// <summary>Lines of every process there was, in no order.</summary>
    public IEnumerable<JsonElement> Audit(string evt) => _all.SelectMany(replica => replica.Errors.Audit(evt));

    private string Origin => $"http://127.0.0.1:{_balancer.Port}";

    /// <exception cref="InvalidOperationException">There is no HAProxy.</exception>
    public static async Task<RollingFleet> StartAsync()
    {
        var fleet = new RollingFleet(await PostgresServer.NewDatabaseAsync());
        try
        {
            fleet._balancer = await HaProxy.StartAsync(fleet._ports);
        }
        catch (InvalidOperationException)
        {
            await fleet.DisposeAsync();
            throw;
        }

        await File.WriteAllTextAsync(fleet._folder.File("gateway.yaml"), fleet.Configuration());
        await Task.WhenAll(Enumerable.Range(0, fleet.Replicas).Select(fleet.StartReplicaAsync));
        return fleet;
    }

    /// <summary>
    /// Ends it as an orchestrator does, waits until it is gone, and starts another in its place, which the balancer has
    /// found ready when this returns.
    /// </summary>
    /// <returns>The exit code of the one that is gone.</returns>
    public async Task<int> ReplaceAsync(int replica)
    {
        var code = await StopAsync(replica);
        await StartReplicaAsync(replica);
        return code;
    }

    public async Task<int> StopAsync(int replica)
    {
        var process = _replicas[replica]!;
        _replicas[replica] = null;
        return await process.StopAsync();
    }

    /// <summary>A client of the load balancer with connections of its own.</summary>
    public GatewayClient Client() => new(new Uri(Origin), Origin);

    /// <summary>A streamed message, which must come whole.</summary>
    /// <param name="words">How long its answer takes, in tenths of a second.</param>
    public static async Task MessageAsync(GatewayClient client, string bearer, int words)
    {
        using var response = await client.PostJsonAsync(
            "/v1/messages",
            $$"""
            {"model":"claude-sonnet-4-6","max_tokens":{{words}},"stream":true,"messages":[{"role":"user","content":"hi"}]}
            """,
            ("Authorization", $"Bearer {bearer}"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode} {text}");
        Assert.EndsWith("data: {\"type\":\"message_stop\"}\n\n", text, StringComparison.Ordinal);
        Assert.Equal(words, text.Split("text_delta").Length - 1);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _all)
        {
            await process.DisposeAsync();
        }

        if (_balancer is not null)
        {
            await _balancer.DisposeAsync();
        }

        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartReplicaAsync(int replica)
    {
        var process = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string>
            {
                ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
                ["PORT_HERE"] = _ports[replica].ToString(CultureInfo.InvariantCulture),
            },
            "--config",
            "gateway.yaml");
        lock (_all)
        {
            _all.Add(process);
        }

        _replicas[replica] = process;
        await process.Errors.LineAsync("listening on ");
        await _balancer.ReadyAsync(_ports[replica]);
    }

    private string Configuration() => $$"""
        listen:
          host: 127.0.0.1
          port: ${PORT_HERE}
          public_url: {{Origin}}
          trusted_proxies: [127.0.0.1/32]
          drain_delay_seconds: 1
        oidc:
          issuer: {{_idp.Issuer}}
          client_id: {{FakeIdentityProvider.ClientId}}
          client_secret: {{FakeIdentityProvider.ClientSecret}}
        session: { jwt_secret: {{TestConfig.JwtSecret}} }
        store: { postgres_url: "{{Database}}" }
        rate_limits:
          device_authorization: { max: 100000 }
          device_verify: { max: 100000 }
        upstreams:
          - provider: anthropic
            base_url: {{_upstream.Url}}
            auth: { api_key: {{TestConfig.UpstreamKey}} }
        admin:
          write_keys: [ { id: test, key: admin-key-0123456789-0123456789-0123456789 } ]
        """;

    /// <summary>A message of as many words as it asks for, one each tenth of a second.</summary>
    private static async Task AnswerSlowlyAsync(FakeExchange exchange)
    {
        var words = exchange.Request.Json.GetProperty("max_tokens").GetInt32();
        await exchange.StartAsync(200, ("content-type", "text/event-stream; charset=utf-8"));
        var text = string.Join(' ', Enumerable.Repeat("word", words));
        foreach (var part in FakeUpstream.MessageEvents("claude-sonnet-4-6", text))
        {
            await exchange.WriteAsync(part);
            await Task.Delay(Pace, exchange.Stopped);
        }

        await exchange.EndAsync();
    }
}
