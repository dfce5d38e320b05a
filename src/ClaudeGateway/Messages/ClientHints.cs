using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// What a client tells of itself in hint headers (spec/newer.md, hint headers), for the audit alone: it decides nothing and
/// goes no further. Values of an unexpected form are left out.
/// </summary>
/// <param name="RequestClass">What the request is for, e.g. <c>main</c>.</param>
/// <param name="Settings">The first twelve digits of the checksum of the settings the machine runs with: enough to find stale ones.</param>
internal readonly partial record struct ClientHints(string? RequestClass, string? Settings)
{
    public static ClientHints Read(IHeaderDictionary headers)
    {
        var requestClass = headers["x-claude-code-request-class"].ToString();
        var checksum = Checksum().Match(headers["x-claude-code-managed-settings-checksum"].ToString());
        return new ClientHints(Word().IsMatch(requestClass) ? requestClass : null, checksum.Success ? checksum.Groups[1].Value : null);
    }

    [GeneratedRegex("^[a-z0-9_.-]{1,32}$", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex("^sha256:([0-9a-f]{12})[0-9a-f]{52}$", RegexOptions.CultureInvariant)]
    private static partial Regex Checksum();
}
