using System.Text.RegularExpressions;
using ClaudeGateway.Managed;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// What a client tells of itself in hint headers (spec/newer.md, hint headers), for the audit alone: it decides nothing
/// and goes no further. Values of an unexpected form are left out.
/// </summary>
/// <param name="RequestClass">What the request is for, e.g. <c>main</c>.</param>
/// <param name="Settings">The <see cref="SettingsVersion"/> the machine runs with.</param>
internal readonly partial record struct ClientHints(string? RequestClass, string? Settings)
{
    public static ClientHints Read(IHeaderDictionary headers)
    {
        var requestClass = headers["x-claude-code-request-class"].ToString();
        return new ClientHints(
            Word().IsMatch(requestClass) ? requestClass : null,
            SettingsVersion.Of(headers[SettingsVersion.HintHeader].ToString()));
    }

    [GeneratedRegex("^[a-z0-9_.-]{1,32}$", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
