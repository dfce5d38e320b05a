using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>The beta values of a client's <c>anthropic-beta</c> header.</summary>
internal static class RequestBetas
{
    /// <summary>Announces <c>tags</c> in the body.</summary>
    private const string Tags = "request-tags-2026-08-21";

    /// <summary>In order; nothing is filtered but, unless it may stay, the one for tags.</summary>
    public static string[] Read(IHeaderDictionary client, bool keepTags)
    {
        var header = client["anthropic-beta"];
        return header.Count == 0 ? []
            : [.. string.Join(',', header.ToArray()).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(beta => keepTags || !string.Equals(beta, Tags, StringComparison.Ordinal))];
    }
}
