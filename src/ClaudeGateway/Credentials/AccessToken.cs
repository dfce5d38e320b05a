namespace ClaudeGateway.Credentials;

/// <summary>Access tokens as token services give them (RFC 6749 section 5.1).</summary>
internal static class AccessToken
{
    /// <summary>
    /// Whether it can be sent as a bearer: printable ASCII without blanks (RFC 6750 section 2.1 allows less).
    /// </summary>
    public static bool IsUsable(string? token) => token is { Length: > 0 }
        && !token.AsSpan().ContainsAnyExceptInRange('!', '~');
}
