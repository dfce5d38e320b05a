using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// What the IdP says of itself (OpenID Connect Discovery 1.0 section 3), as far as the gateway uses it.
/// </summary>
internal sealed record ProviderMetadata
{
    public required string Issuer { get; init; }

    public required Uri AuthorizationEndpoint { get; init; }

    public required Uri TokenEndpoint { get; init; }

    public required Uri JwksUri { get; init; }

    public Uri? UserinfoEndpoint { get; init; }

    public Uri? RevocationEndpoint { get; init; }

    public bool SupportsClientSecretPost { get; init; }

    /// <summary>Whether every authorization response names its issuer (RFC 9207).</summary>
    public bool PromisesIssuerParameter { get; init; }

    /// <exception cref="OperatorException">Something the sign-in needs is missing.</exception>
    public static ProviderMetadata Read(JsonElement document, string source)
    {
        if (document.ValueKind != JsonValueKind.Object)
        {
            throw new OperatorException(
                $"oidc.issuer: {source} is not a JSON object; check that the URL is the issuer's");
        }

        return new ProviderMetadata
        {
            Issuer = NonEmpty(document, "issuer")
                ?? throw new OperatorException($"oidc.issuer: {source} names no \"issuer\""),
            AuthorizationEndpoint = Required(document, "authorization_endpoint", source),
            TokenEndpoint = Required(document, "token_endpoint", source),
            JwksUri = Required(document, "jwks_uri", source),
            UserinfoEndpoint = Url(document, "userinfo_endpoint"),
            RevocationEndpoint = Url(document, "revocation_endpoint"),
            SupportsClientSecretPost = document.TryGetProperty("token_endpoint_auth_methods_supported", out var methods)
                && methods.ValueKind == JsonValueKind.Array
                && methods.EnumerateArray()
                .Any(method => method.ValueKind == JsonValueKind.String && method.ValueEquals("client_secret_post")),
            PromisesIssuerParameter = document.TryGetProperty(
                "authorization_response_iss_parameter_supported", out var promise)
                && promise.ValueKind == JsonValueKind.True,
        };
    }

    private static Uri Required(JsonElement document, string name, string source) =>
        Url(document, name) ?? throw new OperatorException($"oidc.issuer: {source} names no usable \"{name}\"");

    private static Uri? Url(JsonElement document, string name) =>
        Uri.TryCreate(NonEmpty(document, name), UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp) ? url : null;

    private static string? NonEmpty(JsonElement document, string name) =>
        document.Text(name) is { Length: > 0 } text ? text : null;
}
