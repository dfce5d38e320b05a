using System.Net;
using System.Net.Http.Headers;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Telemetry;

public sealed class OtlpEndpointsTests : IAsyncLifetime
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly FakeCollector _hanging = new() { Script = e => e.StallAsync() };
    private readonly FakeCollector _collector = new();
    private GatewayHost _gateway = null!;
    private string _bearer = "";

    public async ValueTask InitializeAsync()
    {
        var telemetry = new TelemetryConfig
        {
            ForwardTo = [
            new TelemetryDestination { Url = new Uri(_hanging.Server.LocalUrl) },
            new TelemetryDestination { Url = new Uri(_collector.Server.LocalUrl), Traces = true }]
        };
        _gateway = await GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_upstream]) with
            {
                Telemetry = telemetry,
                Limits = new LimitsConfig { MaxRequestBytes = 100_000 }
            });
        _bearer = (await _gateway.SignInAsync()).AccessToken;
    }

    public async ValueTask DisposeAsync()
    {
        await _hanging.DisposeAsync();
        await _gateway.DisposeAsync();
        await _collector.DisposeAsync();
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
    }

    [Fact]
    public async Task A_collector_that_hangs_delays_neither_the_client_nor_other_collectors()
    {
        using var response = await ExportAsync("metrics", "{}"u8.ToArray());

        Assert.Equal((HttpStatusCode.OK, ""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        await _hanging.Server.RequestCountAsync(1);
        await _collector.Server.RequestCountAsync(1);
    }

    [Fact]
    public async Task What_a_stopping_gateway_could_not_send_is_waited_for_and_reported_once()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        var telemetry = new TelemetryConfig
        {
            ForwardTo = [new TelemetryDestination { Url = new Uri(
            _hanging.Server.LocalUrl) }]
        };
        var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_upstream]) with { Telemetry = telemetry }, clock);
        var bearer = (await gateway.SignInAsync()).AccessToken;
        (await gateway.PostJsonAsync("/v1/metrics", "{}", bearer)).Dispose();
        await _hanging.Server.RequestCountAsync(1);

        using var patience = new CancellationTokenSource(Signal.Timeout);
        for (var stop = gateway.App.StopAsync(TimeSpan.FromSeconds(1)); !stop.IsCompleted; await Task.Yield())
        {
            patience.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        // The clock stands still: whoever waited again would wait for ever.
        await gateway.DisposeAsync().AsTask().WaitAsync(Signal.Timeout);
        Assert.Single(gateway.Log.Lines, line => line.Contains("1 export was dropped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_that_identifies_the_session_reaches_the_collector()
    {
        using var response = await ExportAsync(
            "metrics", "{}"u8.ToArray(), ("cookie", "c=1"), ("traceparent", "00-1"), ("x-custom", "1"));

        var request = await _collector.Server.RequestAsync(_ => true);
        Assert.Equal(
            ["Content-Length", "Content-Type", "Host", "User-Agent"],
            request.Headers.Select(h => h.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_chunked_export_arrives_whole()
    {
        var body = new byte[90_000];
        Random(body);
        using var content = new StreamContent(new NotSeekable(body));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var response = await _gateway.SendAsync(
            HttpMethod.Post,
            "/v1/metrics",
            content,
            ("Authorization", $"Bearer {_bearer}"),
            ("Transfer-Encoding", "chunked"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, (await _collector.Server.RequestAsync(_ => true)).Body);
    }

    [Fact]
    public async Task Attributes_of_a_span_reach_the_collector_as_they_came()
    {
        var body =
            """{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},{"key":"gen_ai.response.model","value":{"stringValue":"claude-opus-4-8"}},{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}] }]}]}]}"""u8.ToArray();

        using var response = await ExportAsync("traces", body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, (await _collector.Server.RequestAsync("/v1/traces")).Body);
    }

    [Theory]
    [InlineData(100_000, 200)]
    [InlineData(100_001, 413)]
    public async Task A_body_over_the_limit_is_refused(int bytes, int status)
    {
        using var response = await ExportAsync("metrics", new byte[bytes]);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_signal_nobody_takes_is_accepted_and_goes_nowhere()
    {
        using var logs = await ExportAsync("logs", "{}"u8.ToArray());
        using var metrics = await ExportAsync("metrics", "{}"u8.ToArray());

        Assert.Equal(HttpStatusCode.OK, logs.StatusCode);
        await _collector.Server.RequestCountAsync(1);
        Assert.Equal("/v1/metrics", Assert.Single(_collector.Server.Requests).Path);
    }

    [Fact]
    public async Task An_export_needs_a_bearer()
    {
        using var content = new ByteArrayContent([]);
        using var response = await _gateway.SendAsync(HttpMethod.Post, "/v1/metrics", content);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private async Task<HttpResponseMessage> ExportAsync(
        string signal, byte[] body, params (string Name, string Value)[] headers)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await _gateway.SendAsync(
            HttpMethod.Post, $"/v1/{signal}", content, [("Authorization", $"Bearer {_bearer}"), .. headers]);
    }

    private static void Random(byte[] bytes) => System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);

    /// <summary>A body of unknown length, which HTTP/1.1 sends in chunks.</summary>
    private sealed class NotSeekable(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
