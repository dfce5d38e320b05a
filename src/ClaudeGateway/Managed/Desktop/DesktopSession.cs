namespace ClaudeGateway.Managed.Desktop;

/// <summary>
/// Tells a Claude Code session inside Claude Desktop by its user agent (spec/policy.md, serve_to_desktop):
/// <c>claude-cli/2.1.0 (external, claude-desktop)</c>. Exact and case-sensitive, as the reference reads it.
/// </summary>
internal static class DesktopSession
{
    private static readonly string[] Products = ["claude-cli/", "claude-code/"];
    private static readonly string[] Entrypoints = ["claude-desktop", "claude-desktop-3p", "local-agent"];

    public static bool Is(string userAgent)
    {
        var product = Array.Find(Products, p => userAgent.StartsWith(p, StringComparison.Ordinal));
        if (product is null)
        {
            return false;
        }

        var version = userAgent.AsSpan(product.Length);
        var comment = version.IndexOf(" (", StringComparison.Ordinal);
        if (comment < 1 || version[..comment].ContainsAny(' ', '\t'))
        {
            return false;
        }

        var inside = version[(comment + 2)..];
        var end = inside.IndexOf(')');
        return end >= 0
            && inside[..end].ToString().Split(',', StringSplitOptions.TrimEntries)
            .Any(word => Array.IndexOf(Entrypoints, word) >= 0);
    }
}
