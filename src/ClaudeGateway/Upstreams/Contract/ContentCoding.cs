using System.IO.Compression;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>
/// Content codings of answers (RFC 9110 section 8.4): passed on when the client takes them, decoded when not.
/// </summary>
internal static class ContentCoding
{
    private static volatile Kept LastKept = new("", "");

    public static bool CanDecode(string coding) => Kind(coding) is not null;

    /// <summary>
    /// Whether an Accept-Encoding value admits <paramref name="coding"/>. No value admits only the identity: the client
    /// may know no other.
    /// </summary>
    public static bool Accepts(string? acceptEncoding, string coding)
    {
        foreach (var item in (acceptEncoding ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var semicolon = item.IndexOf(';', StringComparison.Ordinal);
            var name = (semicolon < 0 ? item : item[..semicolon]).Trim();
            if (name.Equals(coding, StringComparison.OrdinalIgnoreCase)
                && (semicolon < 0 || !IsZeroWeight(item.AsSpan(semicolon + 1))))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Of the codings a client takes those that can be decoded here, for an answer that must be read; none where it
    /// names none.
    /// </summary>
    public static StringValues KeepDecodable(StringValues acceptEncoding)
    {
        if (acceptEncoding.Count == 0)
        {
            return acceptEncoding;
        }

        // Nearly every client of an office sends the same.
        var asked = acceptEncoding.ToString();
        var (value, kept) = LastKept;
        if (value != asked)
        {
            kept = Decodable(asked);
            LastKept = new Kept(asked, kept);
        }

        return kept;
    }

    public static Stream Decode(string coding, Stream body) => Kind(coding) switch
    {
        "gzip" => new GZipStream(body, CompressionMode.Decompress),
        "deflate" => new ZLibStream(body, CompressionMode.Decompress),
        "br" => new BrotliStream(body, CompressionMode.Decompress),
        _ => body,
    };

    /// <summary>
    /// Whether a stream of <see cref="Decode"/> says with this that its bytes are not in that coding: Brotli's has a
    /// word of its own.
    /// </summary>
    public static bool IsBroken(Exception e) =>
        e is InvalidDataException or InvalidOperationException { Source: "System.IO.Compression.Brotli" };

    /// <summary>How many bytes tell whether a body is in the coding; 0 where none do.</summary>
    public static int MarkLength(string coding) => Kind(coding) is "gzip" or "deflate" ? 2 : 0;

    /// <summary>
    /// Whether a body begins as the coding does: RFC 1952 section 2.3.1, RFC 1950 section 2.2. An empty one may.
    /// </summary>
    /// <param name="beginning"><see cref="MarkLength"/> bytes, fewer where the body has no more.</param>
    public static bool HasMark(string coding, ReadOnlySpan<byte> beginning) => beginning.IsEmpty || Kind(coding) switch
    {
        "gzip" => beginning is [0x1f, 0x8b],
        "deflate" => beginning is [var method, var check] && (method & 0x0f) == 8 && ((method << 8) | check) % 31 == 0,
        _ => true,
    };

    private static string Decodable(string acceptEncoding)
    {
        var kept = string.Join(
            ", ",
            acceptEncoding.Split(',', StringSplitOptions.TrimEntries)
            .Where(item => CanDecode(item.Split(';')[0].Trim())));
        return kept.Length == 0 ? "identity" : kept;
    }

    private static string? Kind(string coding) =>
        coding.Equals("gzip", StringComparison.OrdinalIgnoreCase)
        || coding.Equals("x-gzip", StringComparison.OrdinalIgnoreCase) ? "gzip"
        : coding.Equals("deflate", StringComparison.OrdinalIgnoreCase) ? "deflate"
        : coding.Equals("br", StringComparison.OrdinalIgnoreCase) ? "br"
        : null;

    private static bool IsZeroWeight(ReadOnlySpan<char> parameter)
    {
        var weight = parameter.Trim();
        return weight.StartsWith("q=0", StringComparison.OrdinalIgnoreCase) && !weight.ContainsAnyInRange('1', '9');
    }

    private sealed record Kept(string AcceptEncoding, string Decodable);
}
