using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Upstreams;

/// <summary>Which headers of the client reach an Anthropic-shaped upstream (spec/inference.md): the ones named here, nothing invented.</summary>
internal static class ClientHeaders
{
    /// <summary>Announces <c>tags</c> in the body; stays with the gateway when it keeps the tags.</summary>
    private const string TagsBeta = "request-tags-2026-08-21";

    private static readonly string UserAgentSuffix = "cc-gateway/" + typeof(ClientHeaders).Assembly.GetName().Version?.ToString(3);

    /// <summary>Everything but <c>anthropic-beta</c>, which the credential may add to.</summary>
    public static void Copy(IHeaderDictionary client, HttpRequestMessage request)
    {
        // As the reference sends them: an upstream sees the same headers from either.
        request.Headers.TryAddWithoutValidation("Accept", client.Accept.Count == 0 ? "*/*" : Join(client.Accept));
        request.Headers.TryAddWithoutValidation("Connection", "keep-alive");
        Add(request, "Accept-Encoding", client.AcceptEncoding);
        Add(request, "anthropic-version", client["anthropic-version"]);
        if (client.ContentType.Count > 0)
        {
            request.Content!.Headers.TryAddWithoutValidation("Content-Type", Join(client.ContentType));
        }

        var userAgent = client.UserAgent;
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent.Count == 0 || StringValues.IsNullOrEmpty(userAgent) ? UserAgentSuffix : $"{Join(userAgent)} {UserAgentSuffix}");
        foreach (var (name, values) in client)
        {
            if (name.StartsWith("x-stainless-", StringComparison.OrdinalIgnoreCase))
            {
                Add(request, name, values);
            }
        }
    }

    /// <summary>The client's <c>anthropic-beta</c>, or null when nothing is left of it.</summary>
    public static string? Betas(IHeaderDictionary client, bool stripTags)
    {
        var values = client["anthropic-beta"];
        if (values.Count == 0)
        {
            return null;
        }

        var betas = Join(values);
        if (!stripTags || !betas.Contains(TagsBeta, StringComparison.Ordinal))
        {
            return betas;
        }

        var kept = betas.Split(',').Select(beta => beta.Trim()).Where(beta => beta.Length > 0 && beta != TagsBeta).ToArray();
        return kept.Length == 0 ? null : string.Join(",", kept);
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

    private static string Join(StringValues values) => values.Count == 1 ? values[0] ?? "" : string.Join(", ", values.ToArray());
}
