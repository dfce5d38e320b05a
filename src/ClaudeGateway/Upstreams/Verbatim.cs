using ClaudeGateway.Credentials;

namespace ClaudeGateway.Upstreams;

/// <summary>URLs that are sent exactly as they are written: what is signed must be what is sent.</summary>
internal static class Verbatim
{
    private static readonly UriCreationOptions Options = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <exception cref="UpstreamUnavailableException">The text is no URL: the characters of some regions are not
    /// checked when the configuration is read, as the reference does not (spec/clouds.md).</exception>
    public static Uri Uri(string url)
    {
        try
        {
            return new Uri(url, Options);
        }
        catch (UriFormatException e)
        {
            throw new UpstreamUnavailableException(
                $"{url} is no URL ({e.Message}): correct the upstream's region or base_url", e)
            {
                Fault = UpstreamFault.UnusableAnswer,
            };
        }
    }
}
