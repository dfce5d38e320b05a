using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Claims;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>Who the IdP's tokens name, or why they name nobody who may sign in.</summary>
/// <param name="Problem">Null with an identity; otherwise one of the reasons of spec/auth.md, written to the
/// audit.</param>
/// <param name="IsTokenInvalid">Whether the id_token itself is wrong, and not what it says of the user.</param>
/// <param name="IsUserUnknown">Whether the IdP left out who it speaks of: a mistake of the set-up, and no verdict on
/// the user.</param>
/// <param name="Subject">The IdP's own <c>sub</c>, whatever <c>oidc.user_id_claim</c> is; with an identity
/// only.</param>
/// <param name="OmittedGroups">Whether the identity has not all groups of its user.</param>
internal readonly record struct IdentityResult(
    Identity? Identity, string? Problem, bool IsTokenInvalid = false, bool IsUserUnknown = false,
    string? Subject = null, OmittedGroups OmittedGroups = OmittedGroups.None)
{
    public static IdentityResult Rejected(string problem) => new(null, problem);

    public static IdentityResult InvalidToken(string problem) => new(null, problem, IsTokenInvalid: true);

    public static IdentityResult UserUnknown(string problem) => new(null, problem, IsUserUnknown: true);
}

/// <summary>
/// The steps from an IdP's tokens to an identity, the same at sign-in and at every refresh: id_token, userinfo, groups,
/// policy.
/// </summary>
internal sealed class IdentityResolver(
    OidcConfig config, IdentityProvider provider, UserGroups userGroups, BearerGroups bearerGroups)
{
    private readonly ClaimMapping _mapping = new(config);
    private readonly SignInPolicy _policy = new(config);

    /// <exception cref="IdentityProviderUnavailableException">The IdP did not answer; nothing is known about the
    /// user.</exception>
    public async Task<IdentityResult> SignInAsync(TokenEndpointAnswer.Granted tokens, string nonce)
    {
        if (tokens.IdToken is null)
        {
            return IdentityResult.Rejected("the IdP answered without an id_token; oidc.scopes must include openid");
        }

        var idToken = await provider.ValidateAsync(tokens.IdToken, nonce, tokens.AccessToken);
        return idToken.Problem is { } problem
            ? IdentityResult.InvalidToken(problem)
            : await FromIdTokenAsync(idToken.Claims, tokens.AccessToken);
    }

    /// <summary>
    /// At a refresh the IdP may leave the id_token out (OpenID Connect Core 1.0 section 12.2); then userinfo names the
    /// user.
    /// </summary>
    /// <exception cref="IdentityProviderUnavailableException">The IdP did not answer; nothing is known about the
    /// user.</exception>
    public async Task<IdentityResult> RefreshAsync(TokenEndpointAnswer.Granted tokens)
    {
        if (tokens.IdToken is null)
        {
            var userinfo = await provider.UserinfoAsync(tokens.AccessToken);
            return config.EntraGroups && !_mapping.HasGroups(userinfo)
                ? IdentityResult.UserUnknown(
                    "the IdP refreshed without an id_token, which alone says whether oidc.entra_groups has to be asked; "
                        + "set oidc.scope_on_refresh")
                : await MapAsync(userinfo, null);
        }

        var idToken = await provider.ValidateAsync(tokens.IdToken, null, tokens.AccessToken);
        return idToken.Problem is { } problem
            ? IdentityResult.InvalidToken(problem)
            : await FromIdTokenAsync(idToken.Claims, tokens.AccessToken);
    }

    private async Task<IdentityResult> FromIdTokenAsync(JsonElement claims, string? accessToken)
    {
        var needsUserinfo = config.UserinfoFallback && !(_mapping.HasEmail(claims) && _mapping.HasGroups(claims));
        return await MapAsync(claims, needsUserinfo ? await provider.UserinfoAsync(accessToken) : null);
    }

    /// <summary>Userinfo fills gaps; it never overrides what the signed token says.</summary>
    private async Task<IdentityResult> MapAsync(JsonElement claims, JsonElement? userinfo)
    {
        if (Subject(claims) is not { } sub)
        {
            return IdentityResult.Rejected("IdP claims missing required `sub`");
        }

        if (userinfo is { } info && Subject(info) != sub)
        {
            return IdentityResult.Rejected("userinfo sub missing or does not match id_token sub");
        }

        var emailClaims = userinfo is { } e && !_mapping.HasEmail(claims) ? e : claims;
        if (ClaimMapping.SaysUnverified(claims) || ClaimMapping.SaysUnverified(emailClaims))
        {
            return IdentityResult.Rejected("id_token email is not verified");
        }

        // Of the signed token alone, where there is one: userinfo may fill gaps, but never says who somebody is.
        if (_mapping.UserId(claims) is not { } userId)
        {
            return IdentityResult.UserUnknown(
                $"oidc.user_id_claim is {config.UserIdClaim}, and the IdP sent no non-empty text by that name; check "
                    + "oidc.scopes (and oidc.scope_on_refresh when only refreshes fail)");
        }

        if (!StoredText.IsStorable(userId))
        {
            // Two people must never be one: elsewhere such text is replaced, here it names somebody.
            return IdentityResult.Rejected(
                $"the IdP's {config.UserIdClaim} contains a NUL character, which nobody's id may");
        }

        var name = ClaimMapping.Name(claims) ?? (userinfo is { } n ? ClaimMapping.Name(n) : null);
        var email = _mapping.EmailText(emailClaims);
        var found = await userGroups.FindAsync(claims, userinfo, email);
        return found.Problem is { } problem
            ? IdentityResult.Rejected(problem)
            : Admit(new Identity(userId, email, name, found.Groups), found, sub);
    }

    private IdentityResult Admit(Identity identity, GroupsResult found, string sub)
    {
        if (_policy.Refuses(identity, found.Omitted != OmittedGroups.ByIdp) is { } reason)
        {
            return IdentityResult.Rejected(reason);
        }

        if (bearerGroups.Select(identity.Groups, found.AreOfGraph) is not { } kept)
        {
            return IdentityResult.UserUnknown(
                "more of the user's groups are named by gateway.yaml and spend limits than fit into a header; name "
                    + "fewer of them");
        }

        return new IdentityResult(
            identity with { Groups = kept },
            null,
            Subject: sub,
            OmittedGroups: kept.Count < identity.Groups.Count ? OmittedGroups.Unnamed : found.Omitted);
    }

    private static string? Subject(JsonElement claims) =>
        claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("sub", out var sub)
        && sub.ValueKind == JsonValueKind.String && sub.GetString() is { Length: > 0 } text ? text : null;
}
