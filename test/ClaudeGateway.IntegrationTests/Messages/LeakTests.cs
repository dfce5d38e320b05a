using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// Counts what a thousand requests that went wrong leave behind. Alone in the process while it counts.
/// </summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
[Collection(nameof(LeakTests))]
public sealed class LeakTests
{
    private const int Rounds = 100;
    private const int MaxRequestBytes = 1024;

    private static readonly byte[] Body = """{"model":"claude-sonnet-4-6","stream":true}"""u8.ToArray();

    private static readonly string[] Faults =
    [
        "refused answer", "reset before headers", "stall before headers", "reset mid-event",
        "client leaves before headers",
        "client leaves mid-stream", "truncated body", "invalid JSON", "garbage",
        "client leaves while the upstream answers an error",
        "reset inside the body", "oversized body", "not UTF-8", "broken together with its headers", "nothing at all",
        "client leaves an endless answer",
    ];

    [Fact]
    public async Task A_thousand_requests_that_go_wrong_leave_no_connection_request_or_buffer_behind()
    {
        using var gauges = new Gauges();
        await using var scene = await Scene.StartAsync(config => config with
        {
            Timeouts = new TimeoutsConfig { UpstreamTtfb = TimeSpan.FromMilliseconds(50) },
            Limits = new LimitsConfig { MaxRequestBytes = MaxRequestBytes },
        });
        // The sign-in's own, which stay open.
        var connections = gauges.Read()["kestrel.active_connections"];
        await RoundAsync(scene);
        await gauges.QuietAsync(connections);
        using var buffers = new BufferCount();

        for (var i = 0; i < Rounds; i++)
        {
            await RoundAsync(scene);
        }

        await gauges.QuietAsync(connections);
        // Idle ones wait for the next request.
        Assert.InRange(gauges.Read()["http.client.open_connections"], 0, 4 * Faults.Length);
        Assert.InRange(buffers.Outstanding, -Rounds / 2, Rounds / 2);
    }

    private static Task RoundAsync(Scene scene) => Task.WhenAll(Faults.Select(fault => OneAsync(scene, fault)));

    /// <summary>The upstream does what the client's fault header says.</summary>
    private static async Task OneAsync(Scene scene, string fault)
    {
        scene.Upstream.Script ??= AnswerAsync;
        using var client = scene.Connect();
        var body = fault switch
        {
            "invalid JSON" => "{\"model\":"u8.ToArray(),
            "not UTF-8" => [.. "{\"model\":\""u8, 0xFF, .. "\"}"u8],
            _ => Body,
        };
        var declared = fault switch
        {
            "truncated body" or "reset inside the body" => body.Length + 10,
            "oversized body" => MaxRequestBytes + 1,
            _ => body.Length,
        };
        await client.SendAsync(scene.Head(declared, $"x-stainless-fault: {fault}\r\nConnection: close\r\n"), body);
        switch (fault)
        {
            case "truncated body":
                client.FinishSending();
                await client.ToEndAsync();
                break;
            case "client leaves before headers":
                await scene.Upstream.Server.RequestAsync(request => request.Header("x-stainless-fault") == fault);
                client.Reset();
                break;
            case "client leaves mid-stream" or "client leaves an endless answer":
                await client.UntilAsync("data: 1");
                client.Reset();
                break;
            case "client leaves while the upstream answers an error" or "reset inside the body":
                client.Reset();
                break;
            default:
                await client.ToEndAsync();
                break;
        }
    }

    private static async Task AnswerAsync(FakeExchange e)
    {
        switch (e.Request.Header("x-stainless-fault"))
        {
            case "refused answer" or "client leaves while the upstream answers an error":
                await e.RespondJsonAsync(500, new { error = "no" });
                return;
            case "reset before headers":
                e.Reset();
                return;
            case "stall before headers" or "client leaves before headers":
                await e.StallAsync();
                return;
            case "garbage":
                await e.WriteRawAsync("garbage\r\n\r\n"u8.ToArray());
                e.Reset();
                return;
            case "broken together with its headers":
                await e.WriteRawAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n"u8.ToArray());
                e.Close();
                return;
            case "nothing at all":
                e.Close();
                return;
        }

        await e.StartAsync(200, ("content-type", "text/event-stream"));
        await e.WriteAsync("data: 1\n\n");
        if (e.Request.Header("x-stainless-fault") == "reset mid-event")
        {
            e.Reset();
            return;
        }

        while (e.Request.Header("x-stainless-fault") == "client leaves an endless answer")
        {
            // Until the gateway has left and writing fails.
            await e.WriteAsync(new byte[64 * 1024]);
        }

        await e.StallAsync();
    }

    /// <summary>The framework's own up-and-down counters of this process.</summary>
    private sealed class Gauges : IDisposable
    {
        private static readonly string[] Names = [
            "http.server.active_requests",
            "kestrel.active_connections",
            "http.client.active_requests",
            "http.client.open_connections"];

        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _values = Names.ToDictionary(name => name, _ => 0L);
        private readonly Signal _changed = new();

        public Gauges()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (_values.ContainsKey(instrument.Name))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, change, _, _) =>
            {
                lock (_values)
                {
                    _values[instrument.Name] += change;
                }

                _changed.Set();
            });
            _listener.Start();
        }

        public Dictionary<string, long> Read()
        {
            lock (_values)
            {
                return new(_values);
            }
        }

        /// <summary>
        /// Every request on either side of the gateway has ended and so have their connections to it.
        /// </summary>
        public Task QuietAsync(long connections) => _changed.UntilAsync(
            () =>
                Read() is var now && now["http.server.active_requests"] == 0 && now["http.client.active_requests"] == 0
                && now["kestrel.active_connections"] <= connections,
            "the end of every request");

        public void Dispose() => _listener.Dispose();
    }

    /// <summary>Counts arrays rented from the shared pool and not given back.</summary>
    private sealed class BufferCount : EventListener
    {
        private const int Rented = 1;
        private const int Returned = 3;

        private long _outstanding;

        public long Outstanding => Interlocked.Read(ref _outstanding);

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "System.Buffers.ArrayPoolEventSource")
            {
                EnableEvents(eventSource, EventLevel.Verbose);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            Interlocked.Add(ref _outstanding, eventData.EventId switch
            {
                Rented => 1,
                Returned => -1,
                _ => 0,
            });
        }
    }
}
