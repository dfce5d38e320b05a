using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// Which headers of the client reach an Anthropic-shaped upstream (spec/inference.md): the ones named here, nothing
/// invented.
/// </summary>
internal static class ClientHeaders
{
    /// <summary>What the gateway calls itself to upstreams.</summary>
    public static readonly string UserAgent = "cc-gateway/" + GatewayVersion.Text;

    /// <summary>Everything but <c>anthropic-beta</c>, which the credential may add to.</summary>
    public static void Copy(UpstreamCall call, HttpRequestMessage request)
    {
        var client = call.Request.Http.Request.Headers;
        // As the reference sends them: an upstream sees the same headers from either.
        request.Headers.TryAddWithoutValidation("Accept", client.Accept.Count == 0 ? "*/*" : Join(client.Accept));
        request.Headers.TryAddWithoutValidation("Connection", "keep-alive");
        Add(request, "Accept-Encoding", call.AcceptEncoding);
        Add(request, "anthropic-version", client["anthropic-version"]);
        if (client.ContentType.Count > 0)
        {
            request.Content!.Headers.TryAddWithoutValidation("Content-Type", Join(client.ContentType));
        }

        var userAgent = client.UserAgent;
        var isNamed = userAgent.Count > 0 && !StringValues.IsNullOrEmpty(userAgent);
        request.Headers.TryAddWithoutValidation("User-Agent", isNamed ? $"{Join(userAgent)} {UserAgent}" : UserAgent);
        foreach (var (name, values) in client)
        {
            if (name.StartsWith(SdkHeaders.Prefix, StringComparison.OrdinalIgnoreCase))
            {
                Add(request, name, values);
            }
        }
    }

    public static string WithBeta(string? betas, string added) =>
        string.IsNullOrEmpty(betas) ? added
        : betas.Split(',').Any(beta => beta.Trim() == added) ? betas
        : $"{betas}, {added}";

    private static void Add(HttpRequestMessage request, string name, StringValues values)
    {
        if (values.Count > 0)
        {
            request.Headers.TryAddWithoutValidation(name, Join(values));
        }
    }

    /// <summary>Repeated headers are one (RFC 9110 section 5.3).</summary>
    public static string Join(StringValues values) => values.Count == 1 ? values[0] ?? ""
        : string.Join(", ", values.ToArray());
}
