using System.Text.Json.Nodes;

namespace ClaudeGateway.Dev;

/// <summary>
/// What the simulated model says to one request: thinking when it is asked for, a tool call when tools are offered and
/// none was just answered (so that no conversation calls tools for ever), otherwise a text.
/// </summary>
internal sealed class DevAnswer
{
    private const int QuotedLength = 200;

    private readonly string _model;

    private DevAnswer(string model) => _model = model;

    public List<DevBlock> Blocks { get; } = [];

    public string StopReason { get; private set; } = "end_turn";

    /// <summary>An estimate: a quarter of the request's characters.</summary>
    public int InputTokens { get; private init; }

    /// <summary>The words sent.</summary>
    public int OutputTokens => Blocks.Sum(block => block.Pieces.Count);

    public static DevAnswer To(JsonObject request)
    {
        var messages = (request["messages"] as JsonArray)!;
        var prompt = LastPrompt(messages, out var toolResult);
        var answer = new DevAnswer(request["model"]!.GetValue<string>())
        {
            InputTokens = Math.Max(1, request.ToJsonString().Length / 4),
        };
        if (request["thinking"] is JsonObject thinking && Text(thinking["type"]) is "enabled" or "adaptive")
        {
            answer.Blocks.Add(
                new DevBlock.Thinking(
                    "A simulated model has nothing to think about, so it thinks of an answer that says so."));
        }

        if (DevTools.Choose(request, prompt, toolResult is not null) is { } tool)
        {
            answer.Blocks.Add(new DevBlock.Text($"I call {tool.Name}."));
            answer.Blocks.Add(new DevBlock.ToolUse(tool.Name, tool.Input));
            answer.StopReason = "tool_use";
        }
        else if (OutputSchema(request) is { } schema)
        {
            answer.Blocks.Add(new DevBlock.Text(DevTools.Example(schema)!.ToJsonString()));
        }
        else
        {
            answer.Blocks.Add(new DevBlock.Text(toolResult is null
                ? "Hello from the simulated model. No real model has read this; set ANTHROPIC_API_KEY to ask one. You "
                    + $"wrote: {Quote(prompt)}"
                : $"The tool answered: {Quote(toolResult)}"));
        }

        answer.CutTo(request["max_tokens"] is JsonValue max && max.TryGetValue(out int limit) ? limit : int.MaxValue);
        return answer;
    }

    /// <summary>The message object; streamed answers start with it and no blocks.</summary>
    public JsonObject Message(string id, IEnumerable<DevBlock> blocks, int outputTokens) => new()
    {
        ["id"] = id,
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = _model,
        ["content"] = new JsonArray([.. blocks.Select(b => b.Whole())]),
        ["stop_reason"] = StopReason,
        ["stop_sequence"] = null,
        ["usage"] = new JsonObject
        {
            ["input_tokens"] = InputTokens,
            ["cache_creation_input_tokens"] = 0,
            ["cache_read_input_tokens"] = 0,
            ["output_tokens"] = outputTokens,
        },
    };

    private void CutTo(int words)
    {
        for (var i = 0; i < Blocks.Count; i++)
        {
            var block = Blocks[i];
            if (block.Pieces.Count > words)
            {
                Blocks.RemoveRange(i, Blocks.Count - i);
                Blocks.Add(new DevBlock.Text(string.Concat(block.Pieces.Take(words))));
                StopReason = "max_tokens";
                return;
            }

            words -= block.Pieces.Count;
        }
    }

    /// <summary>
    /// The last text a person wrote; <paramref name="toolResult"/> is what a tool answered after it, or null.
    /// </summary>
    private static string LastPrompt(JsonArray messages, out string? toolResult)
    {
        toolResult = null;
        foreach (var message in messages.OfType<JsonObject>().Reverse().Where(m => Text(m["role"]) == "user"))
        {
            if (message["content"] is not JsonArray blocks)
            {
                return Text(message["content"]) ?? "";
            }

            if (blocks.OfType<JsonObject>().FirstOrDefault(b => Text(b["type"]) == "tool_result") is { } result)
            {
                toolResult ??= Joined(result["content"]);
                continue;
            }

            return Joined(blocks);
        }

        return "";
    }

    private static string Joined(JsonNode? content) => content is JsonArray blocks
        ? string.Join(' ', blocks.OfType<JsonObject>().Select(b => Text(b["text"])).OfType<string>())
        : Text(content) ?? "";

    private static string Quote(string text)
    {
        text = text.ReplaceLineEndings(" ").Trim();
        return text.Length > QuotedLength ? text[^QuotedLength..] : text;
    }

    private static JsonObject? OutputSchema(JsonObject request) =>
        ((request["output_config"] as JsonObject)?["format"] ?? request["output_format"]) is JsonObject format
        ? format["schema"] as JsonObject
        : null;

    /// <summary>The node as text; null when it is no string.</summary>
    public static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
