using ClaudeGateway.Config;
using Microsoft.AspNetCore.Http.Features;

namespace ClaudeGateway.Http;

/// <summary>The <c>limits</c> section, applied before routing and before the bearer (spec/auth.md, Limits).</summary>
internal sealed class RequestLimits(LimitsConfig config)
{
    /// <summary>
    /// The refusal of a request that is over a limit, or null. Probes are exempt from the URL and header limits.
    /// </summary>
    public (int Status, string Text)? Check(GatewayRequest request)
    {
        var http = request.Http;
        if (request.Path is not ("/healthz" or "/readyz"))
        {
            // What the IdP adds to the callback is not the client's doing; its codes reach 2,000 characters.
            if (config.MaxUrlLength is { } maxUrl && request.Path != "/oauth/callback" && UrlLength(request) > maxUrl)
            {
                return (414, "uri too long");
            }

            if (config.MaxRequestHeaderBytes is { } maxHeaders && HeaderBytes(request) > maxHeaders)
            {
                return (431, "request header fields too large");
            }
        }

        if (http.Request.ContentLength > config.MaxRequestBytes)
        {
            return (413, "payload too large");
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            // A chunked body has no declared length: the server stops it while it is read, at the limit in force and
            // not the one that it was started with.
            feature.MaxRequestBodySize = config.MaxRequestBytes;
        }

        return null;
    }

    private static int UrlLength(GatewayRequest request)
    {
        var target = request.Http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? request.Path;
        return "http://".Length + (request.Http.Request.Host.Value?.Length ?? 0) + target.Length;
    }

    private static int HeaderBytes(GatewayRequest request)
    {
        var total = 0;
        foreach (var (name, values) in request.Http.Request.Headers)
        {
            foreach (var value in values)
            {
                total += name.Length + (value?.Length ?? 0) + 4;
            }
        }

        return total;
    }
}
