using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>A gateway that is watched, with two upstreams, a limit and a collector of its own telemetry.</summary>
internal sealed partial class ObservedGateway : IAsyncDisposable
{
    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler());

    private ObservedGateway(GatewayHost host) => Host = host;

    public GatewayHost Host { get; }

    public required FakeIdentityProvider Idp { get; init; }

    public required FakeUpstream First { get; init; }

    public required FakeUpstream Second { get; init; }

    /// <summary>Of the gateway's own telemetry.</summary>
    public required FakeCollector Collector { get; init; }

    /// <param name="groups">Of whoever signs in.</param>
    public static async Task<ObservedGateway> StartAsync(
        string[] groups,
        Func<GatewayConfig, GatewayConfig>? change = null,
        Func<Uri, ObservabilityConfig>? watch = null)
    {
        var idp = new FakeIdentityProvider();
        idp.User["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]);
        var (first, second) = (new FakeUpstream(), new FakeUpstream());
        var collector = new FakeCollector();
        var config = TestConfig.Create(idp, [first, second]) with
        {
            Admin = new AdminConfig(),
            Observability = watch?.Invoke(collector.Url)
                ?? new ObservabilityConfig { MetricsListen = new MetricsListen("127.0.0.1", 0) },
        };
        var host = await GatewayHost.StartAsync(change is null ? config : change(config));
        return new ObservedGateway(host) { Idp = idp, First = first, Second = second, Collector = collector };
    }

    /// <summary>What a scrape shows: each series without what names the scope, and its value.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ScrapeAsync()
    {
        var text = await ScrapeTextAsync();
        var series = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var match = Sample().Match(line);
            Assert.True(match.Success, line);
            var labels = Scope().Replace(match.Groups["labels"].Value, "").Trim(',');
            series[labels.Length == 0 ? match.Groups["name"].Value : $"{match.Groups["name"].Value}{{{labels}}}"] =
                double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture);
        }

        return series;
    }

    public async Task<string> ScrapeTextAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Host.App.MetricsAddress + "/metrics");
        using var response = await Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
        Assert.Equal(200, (int)response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>What the metrics' listener says of another path.</summary>
    public async Task<HttpStatusCode> AskMetricsListenerAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Host.App.MetricsAddress + path);
        using var response = await Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
        return response.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Idp.DisposeAsync();
        await First.DisposeAsync();
        await Second.DisposeAsync();
        await Collector.DisposeAsync();
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?$""")]
    private static partial Regex Sample();

    [GeneratedRegex("otel_scope_[a-z_]+=\"[^\"]*\",?")]
    private static partial Regex Scope();
}
