using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Telemetry;

/// <summary>One destination against a real socket, with a clock the test moves.</summary>
public sealed class OtlpDestinationTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly CapturedLog _log = new();
    private readonly StderrLines _lines;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    });
    private readonly FakeCollector _collector = new();
    private readonly List<OtlpDestination> _destinations = [];

    public OtlpDestinationTests() => _lines = new StderrLines(_log);

    public async ValueTask DisposeAsync()
    {
        _destinations.ForEach(d => d.Dispose());
        _http.Dispose();
        await _collector.DisposeAsync();
        _lines.Dispose();
    }

    [Fact]
    public async Task An_export_without_a_content_type_is_sent_as_protobuf()
    {
        var destination = New(new TelemetryDestination { Url = _collector.Url });
        destination.Enqueue(new OtlpExport(OtlpSignal.Metrics, [1], null, null));
        Assert.Equal("application/x-protobuf",
            (await _collector.Server.RequestAsync(_ => true)).Header("content-type"));
    }

    [Fact]
    public async Task The_body_goes_on_byte_for_byte_with_the_destinations_headers_and_nothing_else()
    {
        var destination = New(
            new TelemetryDestination
            {
                Url = new Uri(_collector.Url, "/api/v2/otlp/"),
                Headers = new Dictionary<string, Secret>
                {
                    ["DD-API-KEY"] = new("k"),
                    ["content-type"] = new("x/y")
                }
            });
        byte[] body = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

        destination.Enqueue(new OtlpExport(OtlpSignal.Logs, body, "application/x-protobuf", "gzip"));

        var request = await _collector.Server.RequestAsync(_ => true);
        Assert.Equal(("POST", "/api/v2/otlp/v1/logs"), (request.Method, request.Target));
        Assert.Equal(body, request.Body);
        Assert.Equal(
            [
                "content-encoding: gzip",
                "content-length: 256",
                "content-type: x/y",
                "dd-api-key: k",
                $"host: 127.0.0.1:{_collector.Server.Port}",
                $"user-agent: claude-gateway/{GatewayVersion.Text}"],
            request.Headers.Select(h => $"{h.Key.ToLowerInvariant()}: {h.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_503_is_sent_again_when_its_Retry_After_has_passed()
    {
        _collector.Script = e =>
            _collector.Server.Requests.Count == 1
            ? e.RespondAsync(503, "", ("retry-after", "60"))
            : e.RespondAsync(200, "");
        New().Enqueue(Export("first"));
        await _log.LineAsync("status 503; next attempt in 60.0 s");

        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Single(_collector.Server.Requests);
        _clock.Advance(TimeSpan.FromSeconds(1));

        await _collector.Server.RequestCountAsync(2);
        Assert.Equal(["first", "first"], Bodies());
    }

    [Fact]
    public async Task A_broken_connection_is_tried_again()
    {
        _collector.Script = e =>
        {
            if (_collector.Server.Requests.Count == 1)
            {
                e.Reset();
                return Task.CompletedTask;
            }

            return e.RespondAsync(200, "");
        };
        New().Enqueue(Export());
        await _log.LineAsync("next attempt in");

        _clock.Advance(TimeSpan.FromSeconds(6));

        await _collector.Server.RequestCountAsync(2);
    }

    [Fact]
    public async Task An_export_is_given_up_after_four_attempts()
    {
        _collector.Status = 503;
        New().Enqueue(Export());
        for (var attempt = 1; attempt < RetryPolicy.MaxAttempts; attempt++)
        {
            var made = attempt;
            await _log.LineCountAsync("next attempt in", made);
            _clock.Advance(TimeSpan.FromSeconds(24));
        }

        Assert.EndsWith(
            "does not take exports: status 503; 1 export was dropped",
            await _log.LineAsync("dropped"),
            StringComparison.Ordinal);
        Assert.Equal(RetryPolicy.MaxAttempts, _collector.Server.Requests.Count);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(500)]
    public async Task Other_failures_are_not_repeated(int status)
    {
        _collector.Status = status;
        New().Enqueue(Export());

        Assert.EndsWith(
            $"does not take exports: status {status}; 1 export was dropped",
            await _log.LineAsync("dropped"),
            StringComparison.Ordinal);
        Assert.Single(_collector.Server.Requests);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = new FakeCollector();
        _collector.Script = e => e.RespondAsync(307, "", ("location", elsewhere.Url.ToString()));
        New().Enqueue(Export());

        await _log.LineAsync("status 307");
        Assert.Empty(elsewhere.Server.Requests);
    }

    [Fact]
    public async Task A_collector_that_hangs_is_given_ten_seconds_and_the_export_is_not_repeated()
    {
        _collector.Script = e => e.StallAsync();
        New().Enqueue(Export());
        await _collector.Server.RequestCountAsync(1);

        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Contains(
            "no answer within 10 s; 1 export was dropped", await _log.LineAsync("dropped"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_answer_is_not_read_and_the_next_export_still_arrives()
    {
        _collector.Script = async e =>
        {
            await e.StartAsync(200);
            var chunk = new byte[1024 * 1024];
            while (!e.ClientGone.IsCompleted && !e.Stopped.IsCancellationRequested)
            {
                await e.WriteAsync(chunk);
            }
        };
        var destination = New();
        destination.Enqueue(Export("first"));
        await _collector.Server.RequestCountAsync(1);

        destination.Enqueue(Export("second"));

        await _collector.Server.RequestCountAsync(2);
    }

    [Fact]
    public async Task Five_failures_stop_sending_and_what_waited_is_sent_when_the_pause_is_over()
    {
        _collector.Status = 500;
        var destination = New();
        for (var i = 1; i <= Breaker.Threshold; i++)
        {
            destination.Enqueue(Export($"lost {i}"));
            await _collector.Server.RequestCountAsync(i);
        }

        await _log.LineAsync("5 exports in a row failed");
        _collector.Status = 200;
        destination.Enqueue(Export("kept 1"));
        destination.Enqueue(Export("kept 2"));
        Assert.Equal(5, _collector.Server.Requests.Count);

        _clock.Advance(Breaker.Pause);

        await _collector.Server.RequestCountAsync(7);
        Assert.Equal(["kept 1", "kept 2"], Bodies().Skip(5));
        await _log.LineAsync("takes exports again");
    }

    [Fact]
    public async Task Refused_payloads_do_not_stop_sending()
    {
        _collector.Status = 400;
        var destination = New();
        for (var i = 1; i <= 12; i++)
        {
            destination.Enqueue(Export());
            await _collector.Server.RequestCountAsync(i);
        }
    }

    [Fact]
    public async Task Too_many_waiting_exports_are_dropped_and_told_once()
    {
        _collector.Script = e => e.StallAsync();
        var destination = New();
        for (var i = 0; i < ExportQueue.MaxExports + 100; i++)
        {
            destination.Enqueue(Export());
        }

        await _log.LineAsync("too many exports are waiting");
        Assert.Single(_log.Lines, l => l.Contains("too many exports are waiting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_drain_waits_for_the_exports_under_way()
    {
        var answer = new TaskCompletionSource();
        _collector.Script = async e =>
        {
            await answer.Task;
            await e.RespondAsync(200, "");
        };
        var destination = New();
        destination.Enqueue(Export());
        await _collector.Server.RequestCountAsync(1);

        var drain = destination.DrainAsync(TimeSpan.FromSeconds(5));
        Assert.False(drain.IsCompleted);
        answer.SetResult();
        await drain;

        Assert.DoesNotContain(_log.Lines, l => l.Contains("dropped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_drain_makes_a_last_attempt_of_what_waits_to_be_repeated()
    {
        _collector.Script = e => e.RespondAsync(_collector.Server.Requests.Count == 1 ? 503 : 200, "");
        var destination = New();
        destination.Enqueue(Export());
        await _log.LineAsync("next attempt in");

        await destination.DrainAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(2, _collector.Server.Requests.Count);
    }

    [Fact]
    public async Task A_drain_ends_in_time_when_the_collector_hangs_and_tells_what_is_lost()
    {
        _collector.Script = e => e.StallAsync();
        var destination = New();
        destination.Enqueue(Export());
        await _collector.Server.RequestCountAsync(1);

        var drain = destination.DrainAsync(TimeSpan.FromSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(5));
        await drain;

        Assert.EndsWith("stopped; 1 export was dropped", await _log.LineAsync("stopped"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_destination_with_credentials_gets_a_bearer()
    {
        New(
            new TelemetryDestination { Url = _collector.Url },
            (request, _, _) =>
                {
                    request.Headers.TryAddWithoutValidation("Authorization", "Bearer token-1");
                    return ValueTask.CompletedTask;
                }).Enqueue(Export());

        Assert.Equal("Bearer token-1", (await _collector.Server.RequestAsync(_ => true)).Header("authorization"));
    }

    [Fact]
    public async Task A_collector_on_AWS_gets_a_signature_over_the_body()
    {
        var environment = new ProcessEnvironment(new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE",
            ["AWS_SECRET_ACCESS_KEY"] = "secret",
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
        });
        using var outbound = new OutboundHttp(environment, new OperationalLog(_lines, _clock, LogLevel.Debug));
        New(
            new TelemetryDestination { Url = _collector.Url },
            new CollectorCredentials(environment, outbound,
                _clock).For(new CollectorAuth.Aws("eu-central-1", "xray"))).Enqueue(Export("{\"a\":1}"));

        var request = await _collector.Server.RequestAsync(_ => true);

        Assert.Matches(
            "^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]{8}/eu-central-1/xray/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$",
            request.Header("authorization"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("{\"a\":1}"u8)), request.Header("x-amz-content-sha256"));
    }

    [Fact]
    public async Task Nothing_is_sent_without_the_credential_and_the_cause_is_told()
    {
        New(
            new TelemetryDestination { Url = _collector.Url },
            (_, _, _) => throw new InvalidOperationException("no key file")).Enqueue(Export());

        await _log.LineAsync("no key file");
        Assert.Empty(_collector.Server.Requests);
    }

    [Fact]
    public async Task An_export_that_cannot_be_judged_ends_no_sender_and_is_counted_once()
    {
        var clock = new FailingClock(_clock);
        _collector.Script = e =>
        {
            var isBad = e.Request.Text == "bad";
            clock.FailsNext = isBad;
            return e.RespondAsync(isBad ? 503 : 200, "");
        };
        var destination = New(clock: clock);

        // As often as there are senders: with each of them gone nothing would be sent any more.
        for (var times = 1; times <= 8; times++)
        {
            destination.Enqueue(Export("bad"));
            await _log.LineCountAsync("could not be judged: NotSupportedException: no date", times);
            destination.Enqueue(Export("good"));
            await _log.LineCountAsync("takes exports again", times);
        }

        await destination.DrainAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(8, _log.Lines.Sum(Dropped));
        Assert.Equal(16, _collector.Server.Requests.Count);
    }

    [Fact]
    public async Task The_log_names_the_host_but_neither_path_nor_key()
    {
        _collector.Status = 400;
        New(new TelemetryDestination
        {
            Url = new Uri(_collector.Url, "/in/s3cret?key=s3cret"),
            Headers = new Dictionary<string, Secret> { ["x-key"] = new("s3cret") },
        }).Enqueue(Export());

        var line = await _log.LineAsync("does not take exports");
        Assert.Contains("telemetry.forward_to[3] (127.0.0.1)", line, StringComparison.Ordinal);
        Assert.DoesNotContain(_log.Lines, l => l.Contains("s3cret", StringComparison.Ordinal));
    }

    private OtlpDestination New(
        TelemetryDestination? config = null, AuthorizeExport? authorize = null, TimeProvider? clock = null)
    {
        var log = new OperationalLog(_lines, _clock, LogLevel.Debug);
        var destination = new OtlpDestination(
            "telemetry.forward_to[3]",
            config ?? new TelemetryDestination { Url = _collector.Url, Logs = true },
            authorize,
            _http,
            new RelayMeters(new GatewayMeter()),
            clock ?? _clock,
            log);
        _destinations.Add(destination);
        return destination;
    }

    private IEnumerable<string> Bodies() => _collector.Server.Requests.Select(r => r.Text);

    /// <summary>How many exports a line of the log says were dropped.</summary>
    private static int Dropped(string line) =>
        Regex.Match(line, "; ([0-9]+) exports? w(as|ere) dropped") is { Success: true } found
            ? int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture)
            : 0;

    private static OtlpExport Export(string body = "{}") =>
        new(OtlpSignal.Metrics, Encoding.UTF8.GetBytes(body), "application/json", null);

    /// <summary>Knows everything but, once when it is told to, the date, which the next attempt goes by.</summary>
    private sealed class FailingClock(TimeProvider clock) : TimeProvider
    {
        private volatile bool _failsNext;

        public bool FailsNext
        {
            set => _failsNext = value;
        }

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override DateTimeOffset GetUtcNow()
        {
            if (_failsNext)
            {
                _failsNext = false;
                throw new NotSupportedException("no date");
            }

            return clock.GetUtcNow();
        }

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            clock.CreateTimer(callback, state, dueTime, period);
    }
}
