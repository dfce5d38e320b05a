using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>The traces a collector gets.</summary>
public sealed class TracesTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Parent = $"00-{TraceId}-00f067aa0ba902b7-01";

    [Fact]
    public async Task A_message_that_failed_over_is_one_trace_below_the_clients_span()
    {
        await using var gateway = await ObservedGateway.StartAsync([], watch: Traced);
        var token = await gateway.Host.SignInAsync();
        gateway.First.NextError(503);
        using (var response = await gateway.Host.SendMessageAsync(
            token.AccessToken, "claude-sonnet-4-6", true, ("traceparent", Parent), ("tracestate", "v=1")))
        {
            await response.Content.ReadAsStringAsync();
        }

        var spans = (await SpansAsync(gateway)).Where(span => span.TraceId == TraceId).ToList();

        var request = Assert.Single(spans, span => span.Name == "POST /v1/messages");
        Assert.Equal("00f067aa0ba902b7", request.ParentId);
        var attempts = spans.Where(span => span.Name == "chat claude-sonnet-4-6").ToList();
        Assert.Equal(["up0", "up1"], attempts.Select(span => span.Attributes["claude_gateway.upstream"]).Order());
        Assert.All(attempts, span => Assert.Equal(request.SpanId, span.ParentId));
        var failed = attempts.Single(span => span.Attributes["claude_gateway.upstream"] == "up0");
        Assert.Equal("503", failed.Attributes["error.type"]);
        // Not asked for: no upstream learns of the trace.
        Assert.DoesNotContain(gateway.Second.Requests, sent => sent.Header("traceparent") is not null);
    }

    [Fact]
    public async Task An_upstream_that_asks_for_it_gets_the_context_of_its_own_span()
    {
        await using var gateway = await ObservedGateway.StartAsync([], Forwarding, Traced);
        var token = await gateway.Host.SignInAsync();
        using (var response = await gateway.Host.SendMessageAsync(
            token.AccessToken, "claude-sonnet-4-6", false, ("traceparent", Parent), ("tracestate", "v=1")))
        {
            await response.Content.ReadAsStringAsync();
        }

        var spans = await SpansAsync(gateway);

        var attempt = Assert.Single(
            spans, span => span.TraceId == TraceId && span.Attributes.ContainsKey("claude_gateway.upstream"));
        var sent = Assert.Single(gateway.First.Requests);
        Assert.Equal($"00-{TraceId}-{attempt.SpanId}-01", sent.Header("traceparent"));
        Assert.Equal("v=1", sent.Header("tracestate"));
    }

    [Fact]
    public async Task Without_traces_of_our_own_the_clients_context_goes_on_as_it_came()
    {
        await using var gateway = await ObservedGateway.StartAsync([], Forwarding);
        var token = await gateway.Host.SignInAsync();
        foreach (var parent in new[] { Parent, "garbage" })
        {
            using var response = await gateway.Host.SendMessageAsync(
                token.AccessToken, "claude-sonnet-4-6", false, ("traceparent", parent));
        }

        Assert.Equal(Parent, gateway.First.Requests[0].Header("traceparent"));
        Assert.Null(gateway.First.Requests[1].Header("traceparent"));
    }

    [Fact]
    public async Task A_sign_in_is_one_trace_through_device_and_browser()
    {
        await using var gateway = await ObservedGateway.StartAsync(
            [], watch: uri => Traced(uri) with { TraceRatio = 0 });
        await gateway.Host.SignInAsync();

        var spans = await SpansAsync(gateway);

        var trace = Assert.Single(spans.Where(span => span.Name.StartsWith("sign_in ", StringComparison.Ordinal))
            .GroupBy(span => span.TraceId));
        Assert.Equal(
            ["sign_in authorize", "sign_in callback", "sign_in token", "sign_in verify"],
            trace.Select(span => span.Name).Order());
        var callback = trace.Single(span => span.Name == "sign_in callback");
        Assert.Contains(spans, span => span.Name == "POST idp" && span.ParentId == callback.SpanId);
    }

    [Fact]
    public async Task No_export_names_anybody_or_holds_a_secret()
    {
        await using var gateway = await ObservedGateway.StartAsync(["secret-group"], watch: Traced);
        var token = await gateway.Host.SignInAsync();
        using (var response = await gateway.Host.SendMessageAsync(token.AccessToken, stream: true))
        {
            await response.Content.ReadAsStringAsync();
        }

        await gateway.Host.RefreshAsync(token.RefreshToken);
        var scrape = await gateway.ScrapeTextAsync();
        await SpansAsync(gateway);

        var told = gateway.Collector.Server.Requests.Select(export => Encoding.Latin1.GetString(export.Body))
            .Append(scrape)
            .ToList();
        Assert.Contains(told, text => text.Contains("gen_ai.server.request.duration", StringComparison.Ordinal));
        foreach (var secret in new[]
        {
            "alice", "Alice", "example.com", "secret-group", token.AccessToken, token.RefreshToken, "\"hi\"", "Hello there",
            TestConfig.UpstreamKey, TestConfig.JwtSecret, FakeIdentityProvider.ClientSecret,
        })
        {
            Assert.DoesNotContain(told, text => text.Contains(secret, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Metrics_pushed_to_a_collector_have_the_values_of_what_happened()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"], watch: Traced);
        var bearer = (await gateway.Host.SignInAsync()).AccessToken;
        for (var i = 0; i < 3; i++)
        {
            using var answer = await gateway.Host.SendMessageAsync(bearer, stream: true);
            await answer.Content.ReadAsByteArrayAsync();
        }

        await gateway.Host.DisposeAsync();
        var last = gateway.Collector.Server.Requests.Where(export => export.Path == "/v1/metrics")
            .SelectMany(export => ExportedMetric.Read(export.Body))
            .GroupBy(metric => metric.Name)
            .ToDictionary(metrics => metrics.Key, metrics => metrics.Last());
        Assert.Equal(3ul, last["gen_ai.server.request.duration"].Count);
        var usage = last["gen_ai.client.token.usage"];
        Assert.Equal((6ul, 3 * 1500.0), (usage.Count, usage.Sum));
        Assert.Equal(3 * 1500.0, last["claude_gateway.tokens"].Sum);
        Assert.Equal(3 * 0.0105, last["claude_gateway.cost"].Sum, 1e-9);
        Assert.Equal(3, last["claude_gateway.upstream.requests"].Sum);
        Assert.Equal(0, last["claude_gateway.open_streams"].Sum);
    }

    [Fact]
    public async Task A_collector_that_refuses_is_told_of_once_and_delays_nothing()
    {
        await using var gateway = await ObservedGateway.StartAsync([], watch: Traced);
        gateway.Collector.Status = 500;
        await gateway.Host.SignInAsync();

        await gateway.Host.Log.LineAsync("observability.otlp (127.0.0.1): does not take exports: status 500");
        gateway.Collector.Status = 200;
        await gateway.Host.Log.LineAsync("observability.otlp (127.0.0.1): takes exports again");
    }

    private static ObservabilityConfig Traced(Uri collector) => new()
    {
        MetricsListen = new MetricsListen("127.0.0.1", 0),
        TraceRatio = 1,
        Otlp = new OtlpExportConfig
        {
            Collector = new TelemetryDestination { Url = collector, Metrics = true, Traces = true },
            Interval = TimeSpan.FromSeconds(1),
        },
    };

    private static GatewayConfig Forwarding(GatewayConfig config) => config with
    {
        Upstreams = [.. config.Upstreams.Select(upstream => upstream with { ForwardTraceContext = true })],
    };

    /// <summary>Stops the gateway, which exports what is left.</summary>
    private static async Task<IReadOnlyList<ExportedSpan>> SpansAsync(ObservedGateway gateway)
    {
        await gateway.Host.DisposeAsync();
        return
        [
            .. gateway.Collector.Server.Requests.Where(export => export.Path == "/v1/traces")
                .SelectMany(export => ExportedSpan.Read(export.Body)),
        ];
    }
}
