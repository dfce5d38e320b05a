using System.Text;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Recognises what is answered in the place of a stream: a page for browsers or plain JSON, whatever its media type
/// says. Neither begins as an event does (WHATWG HTML, 9.2.6), nor as a frame of Bedrock's.
/// </summary>
internal static class OtherText
{
    /// <summary>How much of it is worth telling.</summary>
    public const int BytesToTell = 200;

    /// <summary>Null while nothing but blanks has come.</summary>
    public static bool? IsBeginning(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        bytes = bytes.TrimStart(" \t\r\n\f"u8);
        return bytes.IsEmpty ? null : bytes[0] is (byte)'{' or (byte)'[' or (byte)'"' or (byte)'<';
    }

    /// <summary>
    /// Whether a whole message begins, which a proxy of the Anthropic API may send in a stream's place.
    /// </summary>
    public static bool IsMessage(ReadOnlySpan<byte> beginning)
    {
        var told = beginning[..Math.Min(beginning.Length, BytesToTell)];
        return told.TrimStart(" \t\r\n"u8).StartsWith("{"u8)
            && (told.IndexOf("\"type\":\"message\""u8) >= 0 || told.IndexOf("\"type\": \"message\""u8) >= 0);
    }

    /// <summary>For the log, which holds nothing of what a model wrote: a message is told up to its content.</summary>
    public static string Describe(ReadOnlySpan<byte> beginning)
    {
        var told = beginning[..Math.Min(beginning.Length, BytesToTell)];
        foreach (var member in (ReadOnlySpan<string>)["\"content\"", "\"text\"", "\"thinking\""])
        {
            var at = told.IndexOf(Encoding.ASCII.GetBytes(member));
            told = at < 0 ? told : told[..at];
        }

        var rest = told.Length < beginning.Length ? "…" : "";
        return "answered a request for a stream with other text: "
            + $"\"{LogText.Printable(Encoding.UTF8.GetString(told))}{rest}\"";
    }
}
