using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

/// <summary>
/// A simulated model behind Anthropic's Messages API: real events, streamed word by word, from no model at all. It
/// refuses what the API would refuse first (no JSON, no model, no max_tokens, no messages).
/// </summary>
internal sealed class DevModel(TimeProvider clock)
{
    private static readonly TimeSpan BetweenWords = TimeSpan.FromMilliseconds(15);

    private int _messages;

    public async Task HandleAsync(HttpContext http)
    {
        if (http.Request.Method != "POST"
            || http.Request.Path.Value is not ("/v1/messages" or "/v1/messages/count_tokens"))
        {
            await ErrorAsync(
                http,
                StatusCodes.Status404NotFound,
                "not_found_error",
                "the simulated model answers POST /v1/messages and /v1/messages/count_tokens");
            return;
        }

        JsonObject? body = null;
        try
        {
            body = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted) as JsonObject;
        }
        catch (JsonException)
        {
            // Answered below.
        }

        var counting = http.Request.Path.Value.EndsWith("/count_tokens", StringComparison.Ordinal);
        if (Problem(body, counting) is { } problem)
        {
            await ErrorAsync(http, StatusCodes.Status400BadRequest, "invalid_request_error", problem);
            return;
        }

        http.Response.Headers["request-id"] = $"req_dev_{Interlocked.Increment(ref _messages)}";
        var answer = DevAnswer.To(body!);
        if (counting)
        {
            await DevJson.WriteAsync(http, new JsonObject { ["input_tokens"] = answer.InputTokens });
        }
        else if (body!["stream"] is JsonValue stream && stream.TryGetValue(out bool streams) && streams)
        {
            await StreamAsync(http, answer);
        }
        else
        {
            await DevJson.WriteAsync(http, answer.Message(Id(), answer.Blocks, answer.OutputTokens));
        }
    }

    private static string? Problem(JsonObject? body, bool counting) =>
        body is null ? "The request body is not a JSON object."
        : body["model"] is not JsonValue model || !model.TryGetValue(out string? _) ? "model: Field required"
        : body["messages"] is not JsonArray { Count: > 0 } ? "messages: at least one message is required"
        : !counting && (body["max_tokens"] is not JsonValue max || !max.TryGetValue(out int n) || n < 1)
        ? "max_tokens: Field required"
        : null;

    /// <summary>The events of Anthropic's streaming messages, in their order.</summary>
    private async Task StreamAsync(HttpContext http, DevAnswer answer)
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache";
        var start = answer.Message(Id(), [], outputTokens: 1);
        start["stop_reason"] = null;
        await SendAsync(http, "message_start", new() { ["message"] = start });
        await SendAsync(http, "ping", []);
        for (var index = 0; index < answer.Blocks.Count; index++)
        {
            var block = answer.Blocks[index];
            await SendAsync(http, "content_block_start", new()
            {
                ["index"] = index,
                ["content_block"] = block.Opening(),
            });
            foreach (var delta in block.Deltas())
            {
                await SendAsync(http, "content_block_delta", new() { ["index"] = index, ["delta"] = delta });
                await Task.Delay(BetweenWords, clock, http.RequestAborted);
            }

            await SendAsync(http, "content_block_stop", new() { ["index"] = index });
        }

        await SendAsync(http, "message_delta", new()
        {
            ["delta"] = new JsonObject { ["stop_reason"] = answer.StopReason, ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = answer.OutputTokens },
        });
        await SendAsync(http, "message_stop", []);
    }

    private static async Task SendAsync(HttpContext http, string name, JsonObject data)
    {
        data.Insert(0, "type", name);
        await http.Response.Body.WriteAsync(
            Encoding.UTF8.GetBytes($"event: {name}\ndata: {data.ToJsonString()}\n\n"), http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    private string Id() => $"msg_dev_{_messages}";

    private static Task ErrorAsync(HttpContext http, int status, string type, string message)
    {
        http.Response.StatusCode = status;
        var error = new JsonObject { ["type"] = type, ["message"] = message };
        return DevJson.WriteAsync(http, new JsonObject { ["type"] = "error", ["error"] = error });
    }
}
