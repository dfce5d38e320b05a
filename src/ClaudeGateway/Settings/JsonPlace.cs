using System.Text;
using ClaudeGateway.Json;

namespace ClaudeGateway.Settings;

/// <summary>
/// A value's place in a JSON document, from the leaf up; written out only when a problem is reported.
/// </summary>
internal sealed record JsonPlace(JsonPlace? Parent, string? Key, int Index)
{
    public static readonly JsonPlace Root = new(null, null, -1);

    public int Depth { get; } = Parent is null ? 0 : Parent.Depth + 1;

    public JsonPlace Member(string key) => new(this, key, -1);

    public JsonPlace Item(int index) => new(this, null, index);

    /// <summary>RFC 6901.</summary>
    public string Pointer => Parent is null
        ? ""
        : $"{Parent.Pointer}/{(Key is null
            ? Index.ToString(System.Globalization.CultureInfo.InvariantCulture)
            : JsonPointer.Escape(Key))}";

    /// <summary>
    /// As configuration paths are written: <c>.key</c>, <c>["a key"]</c>, <c>[0]</c>; empty at the root.
    /// </summary>
    public string Path
    {
        get
        {
            var text = new StringBuilder();
            AppendPath(text);
            return text.ToString();
        }
    }

    private void AppendPath(StringBuilder text)
    {
        if (Parent is null)
        {
            return;
        }

        Parent.AppendPath(text);
        if (Key is null)
        {
            text.Append('[').Append(Index).Append(']');
        }
        else if (IsPlain(Key))
        {
            text.Append('.').Append(Key);
        }
        else
        {
            text.Append("[\"").Append(Key.ReplaceLineEndings(" ")).Append("\"]");
        }
    }

    private static bool IsPlain(string key) =>
        key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '-');
}
