using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>
/// A gateway on PostgreSQL, a Prometheus that scrapes it and a collector of its clients' telemetry, and what developers
/// do with it.
/// </summary>
internal sealed class WatchedTraffic : IAsyncDisposable
{
    private const string AdminKey = "admin-key-0123456789-0123456789-0123456789";
    private const string Checksum = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly FakeCollector _clients;
    private bool _isStopped;

    private WatchedTraffic(ObservedGateway gateway, PrometheusServer prometheus, FakeCollector clients)
    {
        Gateway = gateway;
        Prometheus = prometheus;
        _clients = clients;
    }

    public ObservedGateway Gateway { get; }

    public PrometheusServer Prometheus { get; }

    public GatewayHost Host => Gateway.Host;

    /// <summary>Skips the test on a developer's machine without Prometheus; CI must have it.</summary>
    /// <param name="rules">Text of a file of rules.</param>
    public static async Task<WatchedTraffic> StartAsync(string? rules = null)
    {
        var database = await PostgresServer.NewMigratedDatabaseAsync();
        var clients = new FakeCollector();
        var gateway = await ObservedGateway.StartAsync(
            ["eng"],
            config => config with
            {
                Store = new StoreConfig { PostgresUrl = new Secret(database) },
                Admin = new AdminConfig { WriteKeys = [new AdminKey("test", new Secret(AdminKey))] },
                Telemetry = new TelemetryConfig
                {
                    ForwardTo = [new TelemetryDestination { Url = new Uri(clients.Server.LocalUrl) }],
                },
                Observability = config.Observability! with { GroupLabels = ["eng"] },
            });
        try
        {
            await gateway.Host.Log.LineAsync("hearing of other replicas");
            var target = new Uri(gateway.Host.App.MetricsAddress!).Authority;
            var prometheus = await PrometheusServer.StartAsync(target, rules);
            var traffic = new WatchedTraffic(gateway, prometheus, clients);
            await PrometheusServer.UntilAsync(
                () => prometheus.QueryAsync("up == 1"), up => up.Count == 1, _ => "it was never scraped");
            return traffic;
        }
        catch (InvalidOperationException e)
        {
            await gateway.DisposeAsync();
            await clients.DisposeAsync();
            Assert.SkipWhen(
                Environment.GetEnvironmentVariable("CI") is null && PrometheusServer.IsMissing(e), e.Message);
            throw;
        }
    }

    /// <summary>Sends a streamed message and reads its answer to the end.</summary>
    /// <returns>The status.</returns>
    public async Task<int> MessageAsync(string bearer)
    {
        using var response = await Host.SendMessageAsync(
            bearer, stream: true, headers: ("x-claude-code-managed-settings-checksum", Checksum));
        await response.Content.ReadAsByteArrayAsync();
        return (int)response.StatusCode;
    }

    /// <summary>One of a hundred events that do not come together: some of them are timed.</summary>
    public Task<int> LongMessageAsync(string bearer)
    {
        Gateway.First.Next(async exchange =>
        {
            await exchange.StartAsync(200, ("content-type", "text/event-stream"));
            var text = string.Join(' ', Enumerable.Repeat("word", 100));
            foreach (var part in FakeUpstream.MessageEvents("claude-sonnet-4-6", text))
            {
                await exchange.WriteAsync(part);
                await Task.Delay(TimeSpan.FromMilliseconds(5), exchange.Stopped);
            }

            await exchange.EndAsync();
        });
        return MessageAsync(bearer);
    }

    /// <summary>The next request to the first upstream fails, so that the second one serves it.</summary>
    public Task<int> FailedOverMessageAsync(string bearer)
    {
        Gateway.First.NextError(503);
        return MessageAsync(bearer);
    }

    /// <summary>Whoever signs in has a limit of a cent a day from now on.</summary>
    public async Task LimitAsync()
    {
        using var response = await Host.PostJsonAsync(
            "/v1/organizations/spend_limits",
            new { scope = new { type = "user", user_id = "alice" }, amount = "1", period = "daily" },
            null,
            ("x-api-key", AdminKey));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A client's export, which the collector takes or refuses.</summary>
    public async Task ExportAsync(string bearer, bool isTaken)
    {
        _clients.Status = isTaken ? 200 : 400;
        var count = _clients.Server.Requests.Count;
        (await Host.PostJsonAsync("/v1/metrics", "{}", bearer)).Dispose();
        await _clients.Server.RequestCountAsync(count + 1);
    }

    /// <summary>Stops the gateway alone.</summary>
    public async Task StopGatewayAsync()
    {
        _isStopped = true;
        await Gateway.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Prometheus.DisposeAsync();
        if (!_isStopped)
        {
            await Gateway.DisposeAsync();
        }

        await _clients.DisposeAsync();
    }
}
