using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>
/// A Messages request as Bedrock's InvokeModel takes it: the model and the streaming are in the URL, the API version
/// and the betas in the body (spec/clouds.md, Requests). Everything else stays as the client wrote it, byte for byte.
/// </summary>
internal static class BedrockBody
{
    private const string ReservedPrefix = "amazon-bedrock-";

    private static readonly byte[] Version = "\"bedrock-2023-05-31\""u8.ToArray();

    private static ReadOnlySpan<byte> BetasName => "anthropic_beta"u8;

    /// <summary>The betas CountTokens takes, of forty tried; any other makes it refuse the request.</summary>
    private static readonly string[] CountableBetas = [
        "claude-code-20250219", "context-management-2025-06-27", "oauth-2025-04-20"];

    public static ReadOnlyMemory<byte>[] Invoke(JsonMembers body, string[] betas)
    {
        var fields = Fields.Read(body);
        var edit = Common(body, fields).Remove("stream"u8);
        AddBetas(edit, fields, betas.Length == 0 ? null : [.. fields.Betas, .. betas]);
        return edit.Apply();
    }

    /// <summary>The betas that a client wrote into the body itself, which Bedrock reads there.</summary>
    public static string[] OwnBetas(JsonMembers body) =>
        body.FindLast(BetasName) is >= 0 and var index && body.ValueKind(index) == (byte)'['
            ? Strings(body.Value(index)) : [];

    /// <summary>The body with these betas taken out of the client's own list.</summary>
    public static ReadOnlyMemory<byte>[] WithoutOwnBetas(JsonMembers body, string[] leftOut)
    {
        var left = Array.FindAll(OwnBetas(body), beta => !leftOut.Contains(beta, StringComparer.Ordinal));
        var edit = new JsonEdit(body);
        return (left.Length == 0 ? edit.Remove(BetasName) : edit.Replace(BetasName, List(left))).Apply();
    }

    /// <summary>What CountTokens is to count. <c>max_tokens</c> is required there although it is not counted.</summary>
    public static ReadOnlyMemory<byte>[] Count(JsonMembers body, string[] betas)
    {
        var fields = Fields.Read(body);
        var edit = Common(body, fields);
        if (fields.HasEmptyTools)
        {
            edit.Remove("tools"u8);
        }

        if (!fields.HasMaxTokens)
        {
            edit.Add(
                "max_tokens"u8,
                Encoding.UTF8.GetBytes(
                    (fields.BudgetTokens is { } budget ? budget + 1 : 1)
                    .ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        AddBetas(
            edit,
            fields,
            [.. fields.Betas.Concat(betas).Where(beta => CountableBetas.Contains(beta, StringComparer.Ordinal))]);
        return edit.Apply();
    }

    /// <summary>
    /// The first field with which a client would steer Bedrock past the operator's guardrail, or null.
    /// </summary>
    public static string? FindReservedField(JsonMembers body)
    {
        for (var index = 0; index < body.Count; index++)
        {
            if (body.Name(index) is var name && name.StartsWith(ReservedPrefix, StringComparison.OrdinalIgnoreCase))
            {
                return name;
            }
        }

        return null;
    }

    private static JsonEdit Common(JsonMembers body, Fields fields)
    {
        var edit = new JsonEdit(body).Remove("model"u8).Remove("tags"u8);
        return fields.HasVersion ? edit : edit.Add("anthropic_version"u8, Version);
    }

    /// <param name="betas">Null leaves the client's own list as it is.</param>
    private static void AddBetas(JsonEdit edit, Fields fields, string[]? betas)
    {
        if (betas is null)
        {
            return;
        }

        if (betas.Length == 0)
        {
            edit.Remove(BetasName);
            return;
        }

        var list = List(betas);
        _ = fields.HasBetas ? edit.Replace(BetasName, list) : edit.Add(BetasName, list);
    }

    private static byte[] List(string[] betas) =>
        Encoding.UTF8.GetBytes(
            "[" + string.Join(',', betas.Select(beta => Encoding.UTF8.GetString(JsonEdit.String(beta)))) + "]");

    private static string[] Strings(ReadOnlySpan<byte> array)
    {
        var reader = new Utf8JsonReader(array, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var found = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth == 1
                && reader.ValueSpan.IndexOf((byte)'\\') < 0)
            {
                found.Add(Encoding.UTF8.GetString(reader.ValueSpan));
            }
        }

        return [.. found];
    }

    /// <summary>The fields of a request that decide the edits.</summary>
    private sealed class Fields
    {
        public bool HasVersion { get; private set; }

        public bool HasBetas { get; private set; }

        public string[] Betas { get; private set; } = [];

        public bool HasMaxTokens { get; private set; }

        public bool HasEmptyTools { get; private set; }

        public long? BudgetTokens { get; private set; }

        public static Fields Read(JsonMembers body)
        {
            var fields = new Fields();
            for (var index = 0; index < body.Count; index++)
            {
                if (body.NameIs(index, "anthropic_version"u8))
                {
                    fields.HasVersion = true;
                }
                else if (body.NameIs(index, "max_tokens"u8))
                {
                    fields.HasMaxTokens = true;
                }
                else if (body.NameIs(index, BetasName))
                {
                    fields.HasBetas = true;
                    fields.Betas = body.ValueKind(index) == (byte)'[' ? Strings(body.Value(index)) : [];
                }
                else if (body.NameIs(index, "tools"u8))
                {
                    fields.HasEmptyTools = body.ValueKind(index) switch
                    {
                        (byte)'n' => true,
                        (byte)'[' => IsEmptyArray(body.Value(index)),
                        _ => false,
                    };
                }
                else if (body.NameIs(index, "thinking"u8))
                {
                    fields.BudgetTokens = body.ValueKind(index) == (byte)'{' ? Budget(body.Value(index)) : null;
                }
            }

            return fields;
        }

        private static bool IsEmptyArray(ReadOnlySpan<byte> array) => array[1..^1].Trim(" \t\r\n"u8).IsEmpty;

        private static long? Budget(ReadOnlySpan<byte> thinking)
        {
            long? budget = null;
            var members = new TopLevelMembers(thinking);
            while (members.MoveNext())
            {
                var isBudget = members.NameIs("budget_tokens"u8);
                var kind = members.ReadValue();
                if (isBudget && kind == JsonTokenType.Number
                    && System.Buffers.Text.Utf8Parser.TryParse(
                        thinking[members.ValueStart..members.ValueEnd], out long value, out _))
                {
                    budget = value;
                }
            }

            return budget;
        }
    }
}
