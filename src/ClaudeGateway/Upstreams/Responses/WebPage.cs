using System.Text;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Recognises a document for browsers (WHATWG MIME Sniffing, 7.1): what a captive portal, a proxy's notice or a sign-in
/// page answers in the place of an API. A mere fragment of HTML is none.
/// </summary>
internal static class WebPage
{
    /// <summary>How much of a body has to be looked at.</summary>
    public const int BytesToSee = 1024;

    private static readonly byte[][] Beginnings =
    [
        [.. "<!doctype"u8], [.. "<html"u8], [.. "<head"u8], [.. "<title"u8], [.. "<meta"u8], [.. "<body"u8],
            [.. "<script"u8],
    ];

    /// <summary>Whether the media type is that of a document for browsers.</summary>
    public static bool IsTypeOf(string? contentType)
    {
        var type = (contentType ?? "").AsSpan();
        var end = type.IndexOf(';');
        type = (end < 0 ? type : type[..end]).Trim();
        return type.Equals("text/html", StringComparison.OrdinalIgnoreCase)
            || type.Equals("application/xhtml+xml", StringComparison.OrdinalIgnoreCase);
    }

    /// <param name="text">The beginning of a body, <see cref="BytesToSee"/> or all of it.</param>
    public static bool IsBeginning(ReadOnlySpan<byte> text)
    {
        text = text.StartsWith("\uFEFF"u8) ? text[3..] : text;
        while (true)
        {
            text = text.TrimStart(" \t\r\n\f"u8);
            var close = text.StartsWith("<!--"u8) ? "-->"u8 : text.StartsWith("<?"u8) ? "?>"u8 : default;
            if (close.IsEmpty || text.IndexOf(close) is not (> 0 and var end))
            {
                break;
            }

            text = text[(end + close.Length)..];
        }

        foreach (var beginning in Beginnings)
        {
            if (text.Length >= beginning.Length && Ascii.EqualsIgnoreCase(text[..beginning.Length], beginning))
            {
                return true;
            }
        }

        // A comment that does not end so soon stands before a page as well.
        return text.StartsWith("<!--"u8) || text.StartsWith("<?"u8);
    }
}
