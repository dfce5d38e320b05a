namespace ClaudeGateway.Sessions;

/// <summary>Which domain an e-mail address is of.</summary>
internal static class EmailDomain
{
    /// <summary>
    /// Whether what stands after the last "@" is exactly this domain (a sub-domain is another one), letter case aside,
    /// and something stands before it.
    /// </summary>
    public static bool Is(string? email, string domain) =>
        email is not null && email.LastIndexOf('@') is > 0 and var at
        && email.AsSpan(at + 1).Equals(domain, StringComparison.OrdinalIgnoreCase);
}
