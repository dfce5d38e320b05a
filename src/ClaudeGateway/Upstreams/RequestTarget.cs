namespace ClaudeGateway.Upstreams;

/// <summary>An upstream URL to which the client's query is added as it stands: neither decoded nor normalised.</summary>
internal sealed class RequestTarget(string url)
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly Uri _plain = new(url, Verbatim);

    /// <summary>The last one built: clients send the same query with every request, and parsing a URL takes longer than comparing one.</summary>
    private (string Query, Uri Uri)? _last;

    /// <param name="query">With its "?", or empty.</param>
    public Uri With(string? query)
    {
        if (string.IsNullOrEmpty(query))
        {
            return _plain;
        }

        if (_last is { } last && last.Query == query)
        {
            return last.Uri;
        }

        var uri = new Uri(url + query, Verbatim);
        _last = (query, uri);
        return uri;
    }
}
