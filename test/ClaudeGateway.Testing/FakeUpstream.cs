using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Testing;

/// <summary>
/// A scripted upstream in the Anthropic format. Answers every request well until a knob or a script says otherwise;
/// scripts queued with <see cref="Next"/> are used up first, one a request.
/// </summary>
internal sealed class FakeUpstream : IAsyncDisposable
{
    private readonly Queue<Func<FakeExchange, Task>> _next = [];

    public FakeUpstream()
    {
        Server = new FakeServer(HandleAsync);
    }

    public FakeServer Server { get; }

    public Uri Url => Server.Url;

    public IReadOnlyList<RecordedRequest> Requests => Server.Requests;

    /// <summary>Anything but 200 makes every answer this error.</summary>
    public int Status { get; set; } = 200;

    public object ErrorBody { get; set; } = new
    {
        type = "error",
        error = new { type = "api_error", message = "forced" }
    };

    /// <summary>Added to every answer, errors included.</summary>
    public (string Name, string Value)[] Headers { get; set; } = [];

    public string Text { get; set; } = "Hello there";

    public object Usage { get; set; } = new { input_tokens = 1000, output_tokens = 1 };

    public int OutputTokens { get; set; } = 500;

    /// <summary>Replaces every answer that no queued script takes.</summary>
    public Func<FakeExchange, Task>? Script { get; set; }

    public void Next(Func<FakeExchange, Task> script)
    {
        lock (_next)
        {
            _next.Enqueue(script);
        }
    }

    /// <summary>Answers with an error of the Anthropic shape.</summary>
    public void NextError(
        int status,
        string type = "api_error",
        string message = "forced",
        params (string Name, string Value)[] headers) =>
        Next(e => e.RespondJsonAsync(status, new { type = "error", error = new { type, message } }, headers));

    /// <summary>Reads the request and never answers.</summary>
    public void NextStall() => Next(e => e.StallAsync());

    /// <summary>Reads the request and resets the connection before any header.</summary>
    public void NextReset() => Next(e =>
    {
        e.Reset();
        return Task.CompletedTask;
    });

    /// <summary>Starts a stream and resets the connection inside its second event.</summary>
    public void NextResetMidEvent() => Next(async e =>
    {
        await e.StartAsync(200, ("content-type", "text/event-stream"), ("request-id", "req_up1"));
        var events = MessageEvents(Model(e), Text, Usage, OutputTokens).ToList();
        await e.WriteAsync(events[0]);
        await e.WriteAsync(events[1][..(events[1].Length / 2)]);
        e.Reset();
    });

    /// <summary>The events of one whole streamed message, a text delta per word.</summary>
    public static IEnumerable<byte[]> MessageEvents(
        string model, string text = "Hello there", object? usage = null, int outputTokens = 500)
    {
        var message = Message(model, null, usage ?? new { input_tokens = 1000, output_tokens = 1 });
        yield return Event("message_start", new { type = "message_start", message });
        yield return Event(
            "content_block_start",
            new { type = "content_block_start", index = 0, content_block = new { type = "text", text = "" } });
        foreach (var word in text.Split(' ').Select((w, i) => i == 0 ? w : " " + w))
        {
            yield return Event(
                "content_block_delta",
                new { type = "content_block_delta", index = 0, delta = new { type = "text_delta", text = word } });
        }

        yield return Event("content_block_stop", new { type = "content_block_stop", index = 0 });
        yield return Event(
            "message_delta",
            new
            {
                type = "message_delta",
                delta = new { stop_reason = "end_turn", stop_sequence = (string?)null },
                usage = new { output_tokens = outputTokens }
            });
        yield return Event("message_stop", new { type = "message_stop" });
    }

    public static byte[] Event(string name, object data) =>
        Encoding.UTF8.GetBytes($"event: {name}\ndata: {JsonSerializer.Serialize(data)}\n\n");

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private Task HandleAsync(FakeExchange exchange)
    {
        lock (_next)
        {
            if (_next.TryDequeue(out var script))
            {
                return script(exchange);
            }
        }

        return Script is not null ? Script(exchange) : AnswerAsync(exchange);
    }

    private async Task AnswerAsync(FakeExchange exchange)
    {
        if (Status != 200)
        {
            await exchange.RespondJsonAsync(Status, ErrorBody, Headers);
        }
        else if (exchange.Request.Path.EndsWith("/count_tokens", StringComparison.Ordinal))
        {
            await exchange.RespondJsonAsync(200, new { input_tokens = 42 }, Headers);
        }
        else if (exchange.Request.Json.TryGetProperty("stream", out var stream)
            && stream.ValueKind == JsonValueKind.True)
        {
            await exchange.StartAsync(
                200, [("content-type", "text/event-stream; charset=utf-8"), ("request-id", "req_up1"), .. Headers]);
            foreach (var part in MessageEvents(Model(exchange), Text, Usage, OutputTokens))
            {
                await exchange.WriteAsync(part);
            }

            await exchange.EndAsync();
        }
        else
        {
            var usage = JsonSerializer.SerializeToNode(Usage)!.AsObject();
            usage["output_tokens"] = OutputTokens;
            await exchange.RespondJsonAsync(
                200, Message(Model(exchange), Text, usage), [("request-id", "req_up1"), .. Headers]);
        }
    }

    private static string Model(FakeExchange exchange) =>
        exchange.Request.Json.TryGetProperty("model", out var model) ? model.GetString() ?? "" : "";

    private static JsonObject Message(string model, string? text, object usage) => new()
    {
        ["id"] = "msg_1",
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = model,
        ["content"] = text is null ? (JsonArray)[] : [new JsonObject { ["type"] = "text", ["text"] = text }],
        ["stop_reason"] = text is null ? null : "end_turn",
        ["stop_sequence"] = null,
        ["usage"] = JsonSerializer.SerializeToNode(usage),
    };
}
