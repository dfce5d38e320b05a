using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>The trace a request belongs to, as W3C Trace Context writes it.</summary>
internal static class TraceContext
{
    /// <summary>
    /// Names the span that is being drawn as the parent; where none is, the client's headers go on as they came, if
    /// they can be read.
    /// </summary>
    public static void Add(HttpRequestMessage request, IHeaderDictionary client)
    {
        var parent = Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? id
            : client.TraceParent is [{ } given] && ActivityContext.TryParse(given, null, out _) ? given
            : null;
        if (parent is null)
        {
            return;
        }

        request.Headers.TryAddWithoutValidation("traceparent", parent);
        if (client.TraceState is [{ Length: > 0 } state])
        {
            request.Headers.TryAddWithoutValidation("tracestate", state);
        }
    }
}
