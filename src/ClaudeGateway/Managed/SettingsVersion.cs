using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Managed;

/// <summary>
/// The first twelve hexadecimal digits of a settings checksum: enough to tell versions apart, too little to test
/// guesses of what the settings say. Clients name the version they run with in a hint header (spec/newer.md, hint
/// headers) and, when they poll, in If-None-Match.
/// </summary>
internal static class SettingsVersion
{
    public const string HintHeader = "x-claude-code-managed-settings-checksum";

    private const string Algorithm = "sha256:";
    private const int ChecksumLength = 7 + 64;
    private const int Digits = 12;

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>The version of a checksum <c>sha256:…</c>; null when it is none.</summary>
    public static string? Of(string? checksum) =>
        checksum is { Length: ChecksumLength } && checksum.StartsWith(Algorithm, StringComparison.Ordinal)
        && !checksum.AsSpan(Algorithm.Length).ContainsAnyExcept(Hexadecimal)
            ? checksum.Substring(Algorithm.Length, Digits)
            : null;

    /// <summary>Whether a checksum of the right form would have this version; asks without allocating.</summary>
    public static bool Is(string checksum, string version) =>
        checksum.Length == ChecksumLength && checksum.AsSpan(Algorithm.Length, Digits).SequenceEqual(version);

    /// <summary>
    /// The checksum a poll says the client holds: its hint, else the first checksum of If-None-Match; null when it says
    /// neither.
    /// </summary>
    public static string? HeldBy(IHeaderDictionary headers)
    {
        if (headers[HintHeader] is [{ Length: > 0 } hint, ..])
        {
            return hint;
        }

        var tags = headers.IfNoneMatch.ToString();
        return tags.IndexOf('"' + Algorithm, StringComparison.Ordinal) is >= 0 and var quote
            && quote + ChecksumLength + 1 < tags.Length && tags[quote + ChecksumLength + 1] == '"'
            ? tags.Substring(quote + 1, ChecksumLength)
            : null;
    }
}
