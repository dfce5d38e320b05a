using System.IO.Pipelines;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class WatchedBodyTests : IDisposable
{
    private const string Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    private const string Event = "event: a\ndata: {\"type\":\"a\"}\n\n";
    private const string Error =
        "event: error\ndata: {\"type\":\"error\",\"request_id\":\"req-1\","
            + "\"error\":{\"type\":\"timeout_error\",\"message\":\"upstream timed out\"}}\n\n";

    private readonly Pipe _upstream = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly List<StreamFailure> _failures = [];
    private readonly WatchedBody _events;

    public WatchedBodyTests() => _events = Body(isStream: true);

    public void Dispose() => _events.Dispose();

    [Fact]
    public async Task Between_two_events_a_ping_comes_after_fifteen_seconds_and_then_every_fifteen()
    {
        await SendAsync(Event);
        await _events.StartAsync(default);
        Assert.Equal(Event, await ReadAsync());
        var next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(14.9));
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(Ping, await next);

        next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Ping, await next);
        next = ReadAsync();
        await SendAsync(Event);
        Assert.Equal(Event, await next);
    }

    [Fact]
    public async Task A_ping_also_comes_before_the_first_event()
    {
        var start = _events.StartAsync(default).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(14));
        Assert.False(start.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await start;

        Assert.Equal(Ping, await ReadAsync());
    }

    [Fact]
    public async Task No_ping_comes_inside_an_event_and_the_next_one_waits_for_its_end()
    {
        await SendAsync(Event[..20]);
        await _events.StartAsync(default);
        Assert.Equal(Event[..20], await ReadAsync());
        var next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.False(next.IsCompleted);
        await SendAsync(Event[20..]);
        Assert.Equal(Event[20..], await next);

        next = ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Ping, await next);
    }

    [Fact]
    public async Task Silence_before_the_first_byte_is_a_failure_for_the_next_upstream_to_make_good()
    {
        using var whole = Body(isStream: false);
        var start = whole.StartAsync(default).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(start.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));

        var failure = await Assert.ThrowsAsync<IOException>(() => start);
        Assert.Equal("no byte for 60 s after the headers (upstreams[].idle_timeout_ms)", failure.Message);
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task Silence_after_an_event_ends_the_stream_with_an_error_event()
    {
        await SendAsync(Event);
        await _events.StartAsync(default);

        Assert.Equal(Event + Ping + Ping + Ping + Error, await RestAsync());
        Assert.Equal("idle_timeout", Assert.Single(_failures).Reason);
    }

    [Theory]
    [InlineData("event: a\ndata: {\"type\":\"a\"}\n")]
    [InlineData("event: a\ndata: {\"type")]
    [InlineData("event: a_long_na")]
    public async Task Half_an_event_becomes_part_of_the_error_and_never_one_by_itself(string half)
    {
        await SendAsync(half);
        await _events.StartAsync(default);

        var text = await RestAsync();

        Assert.Equal(half + (half.EndsWith('\n') ? "" : "\n") + Error, text);
        // As a client reads it (WHATWG HTML, 9.2.6): the last name counts.
        Assert.Equal(
            "event: error", text.Split('\n').Last(line => line.StartsWith("event:", StringComparison.Ordinal)));
        Assert.DoesNotContain("\n\n", text[..^2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_byte_now_and_then_is_no_silence()
    {
        using var whole = Body(isStream: false);
        for (var i = 0; i < 5; i++)
        {
            var next = ReadAsync(whole);
            _clock.Advance(TimeSpan.FromSeconds(59));
            await SendAsync("x");
            Assert.Equal("x", await next);
        }
    }

    [Fact]
    public async Task A_client_that_takes_its_time_is_no_silence_of_the_upstream()
    {
        await SendAsync(Event);
        await _events.StartAsync(default);
        await ReadAsync();
        _clock.Advance(TimeSpan.FromMinutes(10));
        await SendAsync(Event);

        Assert.Equal(Event, await ReadAsync());
    }

    [Fact]
    public async Task A_whole_body_that_stops_half_way_breaks_off()
    {
        using var whole = Body(isStream: false);
        await SendAsync("{");
        Assert.Equal("{", await ReadAsync(whole));
        var next = ReadAsync(whole);
        _clock.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAsync<IOException>(() => next);
        Assert.Equal("idle_timeout", Assert.Single(_failures).Reason);
    }

    [Fact]
    public async Task Other_text_after_a_ping_ends_the_stream_with_an_error_event()
    {
        using var events = new WatchedBody(
            _upstream.Reader.AsStream(leaveOpen: true), new BodyWatch(TimeSpan.FromMinutes(1), _clock), _failures.Add)
        {
            EventsFor = "req-1",
            RefusesOtherText = true,
        };
        var start = events.StartAsync(default).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(15));
        await start;
        Assert.Equal(Ping, await ReadAsync(events));
        await SendAsync("{\"type\":\"message\"}");

        Assert.Contains("event: error\ndata: ", await ReadAsync(events), StringComparison.Ordinal);
        Assert.Equal("", await ReadAsync(events));
        Assert.Contains("other text", Assert.Single(_failures).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_looked_at_stays_to_be_read()
    {
        using var whole = Body(isStream: false);
        await SendAsync("one");
        await whole.StartAsync(default);
        var peek = whole.PeekAsync(5, TimeSpan.FromSeconds(5), default).AsTask();
        await SendAsync("two");
        Assert.Equal("onetwo", Encoding.UTF8.GetString((await peek).Span));
        await _upstream.Writer.CompleteAsync();

        using var all = new MemoryStream();
        await whole.CopyToAsync(all);
        Assert.Equal("onetwo", Encoding.UTF8.GetString(all.ToArray()));
    }

    [Fact]
    public async Task Looking_ends_with_its_patience()
    {
        using var whole = Body(isStream: false);
        await SendAsync("one");
        var peek = whole.PeekAsync(5, TimeSpan.FromSeconds(5), default).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("one", Encoding.UTF8.GetString((await peek).Span));
        Assert.Equal("one", await ReadAsync(whole));
    }

    [Fact]
    public async Task A_silent_stream_of_the_Anthropic_API_has_pings()
    {
        await using var upstream = new FakeUpstream();
        upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream; charset=utf-8"));
            await e.WriteAsync(Event);
            await e.StallAsync();
        });
        using var calls = new CloudCalls(clock: _clock);
        using var http = calls.Client();
        var config = new AnthropicUpstreamConfig
        {
            BaseUrl = upstream.Url,
            Auth = new AnthropicAuth.ApiKey(new Secret("k")),
        };
        var anthropic = new AnthropicUpstream(config, http, TimeSpan.FromMinutes(2), _clock, calls.Operational);
        var call = CloudCalls.Call("""{"model":"m","stream":true}""");

        using var answer = await anthropic.SendAsync(call, "m", default);
        await answer.StartedAsync(default);
        await using var body = answer.OpenBody(null);
        var event1 = new byte[Event.Length];
        await body.ReadExactlyAsync(event1);
        var next = ReadAsync(body);
        _clock.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(Ping, await next.WaitAsync(Signal.Timeout));
    }

    private WatchedBody Body(bool isStream) => new(
        _upstream.Reader.AsStream(leaveOpen: true), new BodyWatch(TimeSpan.FromMinutes(1), _clock), _failures.Add)
    {
        EventsFor = isStream ? "req-1" : null,
    };

    private async Task SendAsync(string text) => await _upstream.Writer.WriteAsync(Encoding.UTF8.GetBytes(text));

    private Task<string> ReadAsync() => ReadAsync(_events);

    private static async Task<string> ReadAsync(Stream body)
    {
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, await body.ReadAsync(buffer));
    }

    /// <summary>
    /// To the end, the clock going on while nothing comes; on a thread without the test framework's synchronisation
    /// context, so that whoever waits goes on within the clock's step.
    /// </summary>
    private Task<string> RestAsync() => Task.Run(async () =>
    {
        var text = new StringBuilder();
        while (true)
        {
            var next = ReadAsync();
            while (!next.IsCompleted)
            {
                _clock.Advance(TimeSpan.FromSeconds(15));
            }

            if ((await next).Length == 0)
            {
                return text.ToString();
            }

            text.Append(await next);
        }
    });
}
