using System.Text;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Upstreams.LoadTest;

/// <summary>
/// The answer every message gets in load-test mode (spec/newer.md, load_test_mode): one text of about the configured
/// length.
/// </summary>
internal sealed class CannedReply
{
    private const string Notice = "This is a canned reply: the gateway runs in load-test mode and asked no model. ";
    private const string Filler = "Words of no meaning follow, only to give the reply its length. ";
    private const int CharactersPerToken = 4;

    private readonly string[] _words;
    private readonly JsonObject _usage;

    /// <param name="tokens">About how many tokens the text should have.</param>
    /// <param name="reportsUsage">Whether the answers state those tokens, so that metering has something to count; else
    /// 0.</param>
    public CannedReply(int tokens, bool reportsUsage)
    {
        var text = new StringBuilder(Notice);
        while (text.Length < Notice.Length + (tokens * CharactersPerToken))
        {
            text.Append(Filler);
        }

        text.Length = Notice.Length + (tokens * CharactersPerToken);
        Text = text.ToString();
        _words = [.. SplitAfterSpaces(Text)];
        _usage = new JsonObject
        {
            ["input_tokens"] = reportsUsage ? tokens : 0,
            ["output_tokens"] = reportsUsage ? tokens : 0,
        };
    }

    public string Text { get; }

    public byte[] WholeMessage() =>
        Encoding.UTF8.GetBytes(
            Message([new JsonObject { ["type"] = "text", ["text"] = Text }], "end_turn").ToJsonString());

    public static byte[] TokenCount() => "{\"input_tokens\":0}"u8.ToArray();

    /// <summary>The events of the streamed answer, its text in at most <paramref name="maxDeltas"/> pieces.</summary>
    public IEnumerable<byte[]> Events(int maxDeltas)
    {
        yield return Event("message_start", new JsonObject { ["message"] = Message([], null) });
        yield return Event(
            "content_block_start",
            new JsonObject { ["index"] = 0, ["content_block"] = new JsonObject { ["type"] = "text", ["text"] = "" } });
        foreach (var piece in _words.Chunk(Math.Max(1, (_words.Length + maxDeltas - 1) / maxDeltas)))
        {
            yield return Event(
                "content_block_delta",
                new JsonObject
                {
                    ["index"] = 0,
                    ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = string.Concat(piece) }
                });
        }

        yield return Event("content_block_stop", new JsonObject { ["index"] = 0 });
        yield return Event("message_delta", new JsonObject
        {
            ["delta"] = new JsonObject { ["stop_reason"] = "end_turn", ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = _usage["output_tokens"]!.DeepClone() },
        });
        yield return Event("message_stop", []);
    }

    private JsonObject Message(JsonArray content, string? stopReason) => new()
    {
        ["id"] = "msg_loadtest",
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = "load-test",
        ["content"] = content,
        ["stop_reason"] = stopReason,
        ["stop_sequence"] = null,
        ["usage"] = _usage.DeepClone(),
    };

    private static byte[] Event(string type, JsonObject data)
    {
        data.Insert(0, "type", type);
        return Encoding.UTF8.GetBytes($"event: {type}\ndata: {data.ToJsonString()}\n\n");
    }

    private static IEnumerable<string> SplitAfterSpaces(string text)
    {
        for (var start = 0; start < text.Length;)
        {
            var space = text.IndexOf(' ', start);
            var end = space < 0 ? text.Length : space + 1;
            yield return text[start..end];
            start = end;
        }
    }
}
