using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ClaudeGateway.Json;

/// <summary>
/// Reads names and strings of JSON that others wrote without ever throwing: the framework's reader throws for an
/// escaped lone surrogate, which the grammar allows (RFC 8259 section 8.2) and a client can repeat a million times in
/// one body.
/// </summary>
internal static class JsonNames
{
    private const int UnicodeEscapeLength = 6;

    /// <summary>Whether the name or string the reader stands on is this text, escapes decoded.</summary>
    /// <param name="text">ASCII without quotes, slashes and control characters.</param>
    public static bool TextIs(this in Utf8JsonReader json, ReadOnlySpan<byte> text)
    {
        var raw = json.ValueSpan;
        if (!json.ValueIsEscaped)
        {
            return raw.SequenceEqual(text);
        }

        foreach (var expected in text)
        {
            var escaped = CodeUnit(raw);
            if (raw.IsEmpty || (escaped ?? raw[0]) != expected)
            {
                return false;
            }

            raw = raw[(escaped is null ? 1 : UnicodeEscapeLength)..];
        }

        return raw.IsEmpty;
    }

    /// <summary>
    /// The name or string the reader stands on with escapes decoded; as it stands there when that is not Unicode.
    /// </summary>
    public static string ReadText(this in Utf8JsonReader json)
    {
        var raw = json.ValueSpan;
        return Utf8.IsValid(raw) && !HasLoneSurrogate(raw) ? json.GetString() ?? "" : Encoding.UTF8.GetString(raw);
    }

    /// <summary>Whether an escaped surrogate lacks its other half.</summary>
    /// <param name="raw">The inside of a JSON string, checked by a reader.</param>
    public static bool HasLoneSurrogate(ReadOnlySpan<byte> raw)
    {
        for (var at = raw.IndexOf((byte)'\\'); at >= 0; at = raw.IndexOf((byte)'\\'))
        {
            raw = raw[at..];
            var unit = CodeUnit(raw);
            raw = raw[(unit is null ? 2 : UnicodeEscapeLength)..];
            if (unit is not { } first || !char.IsSurrogate((char)first))
            {
                continue;
            }

            if (!char.IsHighSurrogate((char)first) || CodeUnit(raw) is not { } second
                || !char.IsLowSurrogate((char)second))
            {
                return true;
            }

            raw = raw[UnicodeEscapeLength..];
        }

        return false;
    }

    /// <summary>What a \u escape at the beginning stands for; null without one.</summary>
    private static int? CodeUnit(ReadOnlySpan<byte> raw) =>
        raw.Length >= UnicodeEscapeLength && raw[0] == '\\' && raw[1] == 'u'
        && Utf8Parser.TryParse(raw[2..UnicodeEscapeLength], out int unit, out _, 'x') ? unit : null;
}
