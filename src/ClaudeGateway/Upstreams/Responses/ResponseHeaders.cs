using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>Which headers of an Anthropic-shaped upstream reach the client (spec/inference.md, Response).</summary>
internal static class ResponseHeaders
{
    private const string RateLimitPrefix = "anthropic-ratelimit-";

    private static readonly FrozenSet<string> Dropped = new[]
    {
        // Of one hop only (RFC 9110 section 7.6.1); the server writes its own.
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "date",
        "server",
        // Those of the upstream's operator and network, not of this gateway.
        "request-id", "x-request-id", "via", "cf-ray", "alt-svc", "location", "set-cookie", "set-cookie2",
        "clear-site-data",
        "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info",
        // The gateway's own stand.
        "strict-transport-security", "content-security-policy", "content-security-policy-report-only",
        "x-frame-options",
        "x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "cross-origin-embedder-policy",
        "cross-origin-resource-policy", "permissions-policy", "nel", "report-to", "reporting-endpoints",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to)
    {
        foreach (var (name, values) in from)
        {
            if (Dropped.Contains(name) || name.StartsWith(RateLimitPrefix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (values.Count == 1)
            {
                Set(to, name, values.ToString());
            }
            else
            {
                foreach (var value in values)
                {
                    Set(to, name, value);
                }
            }
        }
    }

    /// <summary>
    /// The server would refuse a control character with an exception in the middle of the answer; such a header is left
    /// out.
    /// </summary>
    private static void Set(IHeaderDictionary to, string name, string value)
    {
        if (!value.AsSpan().ContainsAnyInRange('\0', '\x1f') && !value.Contains('\x7f', StringComparison.Ordinal))
        {
            to.Append(name, value);
        }
    }
}
