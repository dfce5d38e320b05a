using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// Upstreams of every kind behind a network that stops carrying their bytes while every connection stays open.
/// </summary>
public sealed class SilentUpstreamTests : IAsyncLifetime
{
    /// <summary>One that every provider has.</summary>
    private const string Model = "claude-opus-4-7";

    /// <summary>Real silence, which is the case here.</summary>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMilliseconds(1500);

    private static readonly string[] Events =
    [
        """{"type":"message_start","message":{"usage":{"input_tokens":1000,"output_tokens":1}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}""",
    ];

    private readonly FakeServer _server;
    private readonly TcpRelay _relay;
    private Func<FakeExchange, Task> _answer = e => e.StallAsync();
    private Scene? _scene;

    public SilentUpstreamTests()
    {
        _server = new FakeServer(e => _answer(e));
        _relay = new TcpRelay(_server.Port);
    }

    public static TheoryData<string> Providers =>
        [.. BrokenAnswerTests.Configs(new Uri("http://x")).Select(config => config.Provider)];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_scene is not null)
        {
            await _scene.DisposeAsync();
        }

        await _relay.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_stream_that_falls_silent_ends_with_an_error_event(string provider)
    {
        var scene = await StartAsync(provider);
        var seen = new TaskCompletionSource();
        _answer = async e =>
        {
            await BeginStreamAsync(e, provider);
            await e.WriteAsync([.. Events.SelectMany(data => Event(provider, data))]);
            await seen.Task;
            _relay.FallSilent();
            await e.WriteAsync(Event(provider, """{"type":"message_stop"}"""));
            await e.StallAsync();
        };

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, Model, stream: true);
        using var body = new StreamReader(await response.Content.ReadAsStreamAsync());
        var text = new StringBuilder();
        while (await body.ReadLineAsync().WaitAsync(Signal.Timeout) is { } line)
        {
            text.Append(line).Append('\n');
            _ = line.Contains("Hello", StringComparison.Ordinal) && seen.TrySetResult();
        }

        var events = text.ToString().Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Events.Length + 1, events.Length);
        Assert.StartsWith("event: error\ndata: ", events[^1], StringComparison.Ordinal);
        using var error = JsonDocument.Parse(events[^1]["event: error\ndata: ".Length..]);
        Assert.Equal("timeout_error", error.RootElement.GetProperty("error").GetProperty("type").GetString());
        var end = await scene.Gateway.Log.AuditAsync("inference.end");
        Assert.Equal(
            ("upstream_cut", "idle_timeout", 1000),
            (
                end.GetProperty("end").GetString(),
                end.GetProperty("reason").GetString(),
                end.GetProperty("input_tokens").GetInt32()));
        await scene.Gateway.Log.LineAsync("no byte for 1.5 s after the headers (upstreams[].idle_timeout_ms)");
        Assert.Empty(scene.Upstream.Requests);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_stream_of_which_nothing_came_goes_to_the_next_upstream(string provider)
    {
        var scene = await StartAsync(provider);
        _answer = async e =>
        {
            await BeginStreamAsync(e, provider);
            await e.StallAsync();
        };

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, Model, stream: true);

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("next", (await scene.Gateway.Log.AuditAsync("inference")).GetProperty("upstream").GetString());
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_whole_answer_that_never_comes_goes_to_the_next_upstream(string provider)
    {
        var scene = await StartAsync(provider);
        _answer = async e =>
        {
            await e.StartAsync(200, ("content-type", "application/json"));
            await e.StallAsync();
        };
        foreach (var path in (string[])["/v1/messages", "/v1/messages/count_tokens"])
        {
            using var response = await scene.Gateway.PostJsonAsync(
                path, new { model = Model, max_tokens = 1, messages = Array.Empty<object>() }, scene.Bearer);

            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
            Assert.Equal(path, scene.Upstream.Requests[^1].Path);
        }
    }

    [Fact]
    public async Task A_whole_answer_that_stops_half_way_breaks_off_and_the_audit_says_why()
    {
        var scene = await StartAsync("anthropic");
        _answer = async e =>
        {
            await e.StartAsync(200, ("content-type", "application/json"));
            await e.WriteAsync("{\"type\":");
            await e.StallAsync();
        };

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, Model);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
        var end = await scene.Gateway.Log.AuditAsync("inference.end");
        Assert.Equal(
            ("upstream_cut", "idle_timeout"),
            (end.GetProperty("end").GetString(), end.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_whole_answer_of_a_cloud_that_stops_half_way_goes_to_the_next_upstream()
    {
        var scene = await StartAsync("vertex");
        _answer = async e =>
        {
            await e.StartAsync(200, ("content-type", "application/json"));
            await e.WriteAsync("{\"type\":");
            await e.StallAsync();
        };

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, Model);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Single(scene.Upstream.Requests);
    }

    [Fact]
    public async Task A_refusal_whose_text_never_comes_is_no_answer()
    {
        var scene = await StartAsync("anthropic");
        scene.Upstream.Status = 503;
        _answer = async e =>
        {
            await e.StartAsync(429, ("content-type", "application/json"));
            await e.StallAsync();
        };

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, Model);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    private async Task<Scene> StartAsync(string provider) =>
        _scene = await BrokenAnswerTests.StartAsync(
            provider, new Uri($"http://127.0.0.1:{_relay.Port}"), IdleTimeout);

    private static Task BeginStreamAsync(FakeExchange e, string provider) => e.StartAsync(
        200,
        ("content-type", provider == "bedrock" ? "application/vnd.amazon.eventstream" : "text/event-stream"));

    private static byte[] Event(string provider, string data) => provider == "bedrock"
        ? EventStreamFrames.Chunk(data)
        : Encoding.UTF8.GetBytes($"event: {data.Split('"')[3]}\ndata: {data}\n\n");
}
