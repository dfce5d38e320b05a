namespace ClaudeGateway.Upstreams;

/// <summary>
/// <c>upstreams[].headers</c> on a request: each replaces whatever the request has of that name (spec/newer.md).
/// </summary>
internal static class ConfiguredHeaders
{
    /// <param name="headers">Names that belong to a request, not its body: the configuration takes no others.</param>
    public static void Set(HttpRequestMessage request, IReadOnlyDictionary<string, string> headers)
    {
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
