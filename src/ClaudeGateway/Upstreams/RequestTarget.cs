namespace ClaudeGateway.Upstreams;

/// <summary>
/// An upstream URL to which the client's query is added as it stands: neither decoded nor normalised.
/// </summary>
internal sealed class RequestTarget(string url)
{
    private readonly Uri _plain = Verbatim.Uri(url);

    /// <summary>
    /// The last one built: clients send the same query with every request, and parsing a URL takes longer than
    /// comparing one. One reference, so that requests which come at the same time see a whole one; whoever writes last
    /// wins.
    /// </summary>
    private volatile Built? _last;

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

        var built = new Built(query, Verbatim.Uri(url + query));
        _last = built;
        return built.Uri;
    }

    private sealed record Built(string Query, Uri Uri);
}
