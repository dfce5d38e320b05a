using System.IO.Pipelines;
using System.Text;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class CloudStreamTests : IDisposable
{
    private const string Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    private const string Stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    private const string Start = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";
    private const string UpstreamError =
        "event: error\ndata: "
            + "{\"type\":\"error\",\"request_id\":\"req-1\",\"error\":{\"type\":\"api_error\",\"message\":\"upstream "
            + "error\"}}\n\n";

    private readonly Pipe _upstream = new(new PipeOptions(readerScheduler: PipeScheduler.Inline));
    private readonly ManualTimeProvider _clock = new();
    private readonly List<StreamFailure> _failures = [];
    private readonly CloudStream _stream;

    public CloudStreamTests()
    {
        _stream = new CloudStream(
            _upstream.Reader.AsStream(),
            new SseTranslator([]),
            "req-1",
            new BodyWatch(TimeSpan.FromMinutes(1), _clock),
            _failures.Add);
    }

    public void Dispose() => _stream.Dispose();

    [Fact]
    public async Task Events_pass_and_a_complete_message_ends_cleanly()
    {
        await SendAsync(Start + Stop);
        await _upstream.Writer.CompleteAsync();

        Assert.Null(await _stream.StartAsync(CancellationToken.None));
        Assert.Equal(Start + Stop, await RestAsync());
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task A_silent_upstream_is_bridged_by_pings_also_before_the_first_event()
    {
        var start = _stream.StartAsync(CancellationToken.None).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(14));
        Assert.False(start.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await start);
        Assert.Equal(Ping, await ReadAsync());

        var next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Ping, await next);

        var then = ReadAsync();
        await SendAsync(Start);
        Assert.Equal(Start, await then);
    }

    [Fact]
    public async Task What_comes_while_nobody_waits_is_there_at_the_next_read()
    {
        var start = _stream.StartAsync(CancellationToken.None).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Null(await start);
        await SendAsync(Start);

        Assert.Equal(Ping, await ReadAsync());
        Assert.Equal(Start, await ReadAsync());
    }

    [Fact]
    public async Task Pings_of_the_upstream_do_not_delay_our_own()
    {
        await SendAsync(Start);
        await _stream.StartAsync(CancellationToken.None);
        await ReadAsync();
        var next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(10));
        await SendAsync(Ping);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Ping, await next);
    }

    [Fact]
    public async Task A_failure_before_the_first_event_is_given_back()
    {
        await _upstream.Writer.CompleteAsync(new IOException("connection reset"));

        var failure = await _stream.StartAsync(CancellationToken.None);
        Assert.Equal(("api_error", "connection reset"), (failure!.Error.Type, failure.Detail));
    }

    [Fact]
    public async Task A_cut_after_events_delivers_them_and_one_error_event()
    {
        await SendAsync(Start);
        Assert.Null(await _stream.StartAsync(CancellationToken.None));
        await _upstream.Writer.CompleteAsync(new IOException("connection reset"));

        Assert.Equal(Start + UpstreamError, await RestAsync());
        Assert.Equal("connection reset", Assert.Single(_failures).Detail);
    }

    [Fact]
    public async Task An_early_end_is_an_error()
    {
        await SendAsync(Start);
        await _upstream.Writer.CompleteAsync();

        await _stream.StartAsync(CancellationToken.None);
        Assert.Equal(Start + UpstreamError, await RestAsync());
    }

    [Fact]
    public async Task A_failure_in_the_first_bytes_but_after_an_event_is_an_error_event()
    {
        await SendAsync(Start + "event: x\ndata: broken\n\n" + Stop);

        Assert.Null(await _stream.StartAsync(CancellationToken.None));
        Assert.Equal(Start + UpstreamError, await RestAsync());
        Assert.Single(_failures);
    }

    [Fact]
    public async Task Silence_that_lasts_too_long_ends_it_with_an_error_however_many_pings_went()
    {
        await SendAsync(Start);
        Assert.Null(await _stream.StartAsync(CancellationToken.None));
        Assert.Equal(Start, await ReadAsync());
        for (var i = 0; i < 3; i++)
        {
            var ping = ReadAsync();
            _clock.Advance(TimeSpan.FromSeconds(15));
            Assert.Equal(Ping, await ping);
        }

        var error = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(15));

        Assert.Contains("timeout_error", await error, StringComparison.Ordinal);
        Assert.Equal("idle_timeout", Assert.Single(_failures).Reason);
        Assert.Equal("", await ReadAsync());
    }

    /// <summary>Off the test framework's synchronisation context, so that all goes on within each step.</summary>
    [Fact]
    public Task What_the_client_is_not_given_counts_as_a_sign_of_life() => Task.Run(async () =>
    {
        await SendAsync(Start);
        await _stream.StartAsync(CancellationToken.None);
        await ReadAsync();
        for (var i = 0; i < 8; i++)
        {
            var ping = ReadAsync();
            _clock.Advance(TimeSpan.FromSeconds(15));
            Assert.Equal(Ping, await ping);
            await SendAsync(": still here\n\n");
        }

        Assert.Empty(_failures);
    });

    [Fact]
    public async Task A_client_that_leaves_ends_the_wait()
    {
        using var client = new CancellationTokenSource();
        var waiting = _stream.StartAsync(client.Token).AsTask();
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private async Task SendAsync(string events) => await _upstream.Writer.WriteAsync(Encoding.UTF8.GetBytes(events));

    private async Task<string> ReadAsync()
    {
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, await _stream.ReadAsync(buffer));
    }

    private async Task<string> RestAsync()
    {
        using var all = new MemoryStream();
        await _stream.CopyToAsync(all);
        return Encoding.UTF8.GetString(all.ToArray());
    }
}
