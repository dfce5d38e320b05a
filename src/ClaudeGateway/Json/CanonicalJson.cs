using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Json;

/// <summary>
/// The one text of a JSON value that its checksum is taken of (spec/policy.md, GET /managed/settings): keys sorted by
/// UTF-16 code unit at every level, array indexes before them by number (as in any JavaScript object), no white space,
/// numbers and escapes as JavaScript's JSON.stringify prints them.
/// </summary>
internal static class CanonicalJson
{
    public static string Write(JsonNode? value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonNode? value)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject map:
                AppendMap(text, map);
                break;
            case JsonArray list:
                AppendList(text, list);
                break;
            case JsonValue scalar:
                AppendScalar(text, scalar);
                break;
        }
    }

    private static void AppendMap(StringBuilder text, JsonObject map)
    {
        var separator = '{';
        foreach (var (key, member) in map.OrderBy(m => ArrayIndex(m.Key) ?? uint.MaxValue)
            .ThenBy(m => m.Key, StringComparer.Ordinal))
        {
            text.Append(separator);
            AppendText(text, key);
            text.Append(':');
            Append(text, member);
            separator = ',';
        }

        text.Append(separator == '{' ? "{}" : "}");
    }

    /// <summary>
    /// The number a key is when JavaScript takes it for an array index (ECMA-262 section 6.1.7); null for any other
    /// key.
    /// </summary>
    private static uint? ArrayIndex(string key) =>
        key.Length > 0 && (key[0] is not '0' || key.Length == 1)
        && uint.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < uint.MaxValue
        ? index
        : null;

    private static void AppendList(StringBuilder text, JsonArray list)
    {
        text.Append('[');
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0)
            {
                text.Append(',');
            }

            Append(text, list[i]);
        }

        text.Append(']');
    }

    private static void AppendScalar(StringBuilder text, JsonValue scalar)
    {
        switch (scalar.GetValueKind())
        {
            case JsonValueKind.String:
                AppendText(text, scalar.GetValue<string>());
                break;
            case JsonValueKind.Number:
                text.Append(JavaScriptNumber.Print(double.Parse(scalar.ToJsonString(), CultureInfo.InvariantCulture)));
                break;
            case var kind:
                text.Append(kind == JsonValueKind.True ? "true" : kind == JsonValueKind.False ? "false" : "null");
                break;
        }
    }

    private static void AppendText(StringBuilder text, string value)
    {
        text.Append('"');
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            switch (c)
            {
                case '"' or '\\':
                    text.Append('\\').Append(c);
                    break;
                case '\b':
                    text.Append("\\b");
                    break;
                case '\f':
                    text.Append("\\f");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case < ' ':
                    text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                case var _ when char.IsSurrogate(c) && !IsPaired(value, i):
                    text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }

        text.Append('"');
    }

    private static bool IsPaired(string value, int index) => char.IsHighSurrogate(value[index])
        ? index + 1 < value.Length && char.IsLowSurrogate(value[index + 1])
        : index > 0 && char.IsHighSurrogate(value[index - 1]);
}
