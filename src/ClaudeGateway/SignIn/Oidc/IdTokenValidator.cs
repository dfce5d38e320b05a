using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.SignIn.Jose;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>The claims of a valid id_token, or why it is not one.</summary>
/// <param name="Problem">Null when the token is valid; names no claim's value.</param>
internal readonly record struct IdTokenResult(JsonElement Claims, string? Problem);

/// <summary>
/// Validates an id_token (OpenID Connect Core 1.0 section 3.1.3.7): one algorithm, the IdP's keys, and every claim the
/// sign-in relies on.
/// </summary>
internal sealed class IdTokenValidator(OidcConfig config, string issuer, KeySet keys, TimeProvider clock)
{
    /// <param name="nonce">The one sent to the IdP; null at a refresh, which has none.</param>
    /// <param name="accessToken">The one that came with it; null when none did.</param>
    /// <exception cref="IdentityProviderUnavailableException">The signing keys cannot be had.</exception>
    public async Task<IdTokenResult> ValidateAsync(string text, string? nonce, string? accessToken)
    {
        if (SignedToken.Read(text) is not { } token)
        {
            return Invalid("id_token is not a signed JWT");
        }

        if (token.Algorithm != config.IdTokenSignedResponseAlg)
        {
            return Invalid(
                $"id_token is not signed with {config.IdTokenSignedResponseAlg}; set oidc.id_token_signed_response_alg "
                    + "to what the IdP uses");
        }

        if (!await IsSignedAsync(token))
        {
            return Invalid("id_token signature does not verify with the IdP's keys");
        }

        return (Problem(token.Payload, nonce) ?? AccessTokenProblem(token, accessToken)) is { } problem
            ? Invalid(problem)
            : new IdTokenResult(token.Payload, null);
    }

    private async Task<bool> IsSignedAsync(SignedToken token)
    {
        var known = await keys.GetAsync();
        return IsSigned(token, known) || (await keys.NewerThanAsync(known) is { } newer && IsSigned(token, newer));
    }

    private static bool IsSigned(SignedToken token, KeySet.Snapshot snapshot) =>
        snapshot.Keys.Any(key => (token.KeyId is null || key.KeyId == token.KeyId) && token.IsSignedBy(key));

    private string? Problem(JsonElement claims, string? nonce)
    {
        if (claims.Text("iss") != issuer)
        {
            return "id_token iss is not the issuer of the discovery document";
        }

        if (claims.Text("sub") is null)
        {
            return "id_token has no sub";
        }

        return AudienceProblem(claims) ?? TimeProblem(claims)
            ?? (nonce is not null && claims.Text("nonce") != nonce
                ? "id_token nonce is not the one of this sign-in"
                : null);
    }

    private string? AudienceProblem(JsonElement claims)
    {
        if (Audiences(claims) is not { } audiences || !audiences.Contains(config.ClientId))
        {
            return "id_token aud does not contain oidc.client_id";
        }

        if (!claims.TryGetProperty("azp", out _))
        {
            return audiences.Length > 1 ? "id_token has several audiences and no azp" : null;
        }

        return claims.Text("azp") is { } party
            && (party == config.ClientId || config.AdditionalAuthorizedParties.Contains(party))
            ? null
            : "id_token azp is neither oidc.client_id nor in oidc.additional_authorized_parties";
    }

    /// <summary>
    /// An id_token that names its access token must have come with that one (OpenID Connect Core 1.0 section 3.1.3.8).
    /// </summary>
    private static string? AccessTokenProblem(SignedToken token, string? accessToken)
    {
        if (accessToken is null || !token.Payload.TryGetProperty("at_hash", out _))
        {
            return null;
        }

        var bytes = Encoding.ASCII.GetBytes(accessToken);
        var hash = token.Algorithm switch
        {
            "RS256" or "PS256" or "ES256" => SHA256.HashData(bytes),
            "RS384" or "PS384" or "ES384" => SHA384.HashData(bytes),
            _ => SHA512.HashData(bytes),
        };
        return token.Payload.Text("at_hash") == Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2))
            ? null
            : "id_token at_hash is not that of the access token it came with";
    }

    /// <summary>One text or a list of texts (RFC 7519 section 4.1.3); anything else is null.</summary>
    private static string[]? Audiences(JsonElement claims) =>
        claims.TryGetProperty("aud", out var audience) ? audience.ValueKind switch
        {
            JsonValueKind.String => [audience.GetString()!],
            JsonValueKind.Array when audience.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String) =>
                [.. audience.EnumerateArray().Select(one => one.GetString()!)],
            _ => null,
        }
    : null;

    /// <summary>An iat in the future is let pass: it protects nothing, and IdP clocks run ahead.</summary>
    private string? TimeProblem(JsonElement claims)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        if (Number(claims, "exp") is not { } expires || Number(claims, "iat") is null)
        {
            return "id_token has no exp or no iat";
        }

        if (expires <= now - config.ClockSkew.TotalSeconds)
        {
            return "id_token has expired; compare the clocks, or set oidc.clock_skew_seconds";
        }

        return claims.TryGetProperty("nbf", out _) && !(Number(claims, "nbf") <= now + config.ClockSkew.TotalSeconds)
            ? "id_token is not valid yet; compare the clocks, or set oidc.clock_skew_seconds"
            : null;
    }

    private static IdTokenResult Invalid(string problem) => new(default, problem);

    private static double? Number(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var number) ? number : null;
}
