namespace ClaudeGateway.Upstreams;

/// <summary>URLs that are sent exactly as they are written: what is signed must be what is sent.</summary>
internal static class Verbatim
{
    private static readonly UriCreationOptions Options = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public static Uri Uri(string url) => new(url, Options);
}
