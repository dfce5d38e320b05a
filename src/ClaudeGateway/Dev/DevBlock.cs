using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ClaudeGateway.Dev;

/// <summary>One content block of a simulated answer, whole or as the events of a stream.</summary>
internal abstract partial class DevBlock
{
    /// <summary>What is streamed one by one; together the whole.</summary>
    public required IReadOnlyList<string> Pieces { get; init; }

    /// <summary>As it stands in a message that is not streamed.</summary>
    public abstract JsonObject Whole();

    /// <summary>As content_block_start announces it.</summary>
    public abstract JsonObject Opening();

    public abstract IEnumerable<JsonObject> Deltas();

    private static List<string> Words(string text) => [.. Word().Matches(text).Select(m => m.Value)];

    [GeneratedRegex(@"\S+\s*|\s+")]
    private static partial Regex Word();

    internal sealed class Text : DevBlock
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Text(string text) => Pieces = Words(text);

        public override JsonObject Whole() => new() { ["type"] = "text", ["text"] = string.Concat(Pieces) };

        public override JsonObject Opening() => new() { ["type"] = "text", ["text"] = "" };

        public override IEnumerable<JsonObject> Deltas() => Pieces.Select(p => new JsonObject
        {
            ["type"] = "text_delta",
            ["text"] = p,
        });
    }

    internal sealed class Thinking : DevBlock
    {
        private const string Signature = "c2ltdWxhdGVk"; // "simulated": no real signature, and no client can check one

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Thinking(string text) => Pieces = Words(text);

        public override JsonObject Whole() => new()
        {
            ["type"] = "thinking",
            ["thinking"] = string.Concat(Pieces),
            ["signature"] = Signature,
        };

        public override JsonObject Opening() => new() { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" };

        public override IEnumerable<JsonObject> Deltas() =>
            Pieces.Select(p => new JsonObject { ["type"] = "thinking_delta", ["thinking"] = p })
                .Append(new JsonObject { ["type"] = "signature_delta", ["signature"] = Signature });
    }

    internal sealed class ToolUse : DevBlock
    {
        private const int PieceLength = 12;

        private readonly string _id = "toolu_dev_" + RandomNumberGenerator.GetHexString(12, lowercase: true);
        private readonly string _name;
        private readonly JsonObject _input;

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public ToolUse(string name, JsonObject input)
        {
            _name = name;
            _input = input;
            Pieces = [.. input.ToJsonString().Chunk(PieceLength).Select(c => new string(c))];
        }

        public override JsonObject Whole() => new()
        {
            ["type"] = "tool_use",
            ["id"] = _id,
            ["name"] = _name,
            ["input"] = _input.DeepClone(),
        };

        public override JsonObject Opening() => new()
        {
            ["type"] = "tool_use",
            ["id"] = _id,
            ["name"] = _name,
            ["input"] = new JsonObject(),
        };

        public override IEnumerable<JsonObject> Deltas() =>
            Pieces.Prepend("").Select(p => new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = p });
    }
}
