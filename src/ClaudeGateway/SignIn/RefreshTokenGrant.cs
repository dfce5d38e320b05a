using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Renews a session (RFC 6749 section 6): the IdP is asked again and every sign-in rule checked again, so whoever the
/// company has switched off is out when the bearer ends. A clear no ends the session (401 invalid_grant); trouble on
/// the way does not (503). Needs no store, except for tokens that the gateway did not seal
/// (<see cref="ForeignRefreshLimit"/>).
/// </summary>
internal sealed class RefreshTokenGrant(SignInParts parts)
{
    private const string AtTokenEndpoint = "token_endpoint";
    private const string AtClaims = "claims";
    private const string AtUserinfo = "userinfo_no_id_token";

    private readonly ForeignRefreshLimit _foreign = new(parts);

    public async Task<TokenOutcome> RedeemAsync(GatewayRequest request, string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return new TokenOutcome.Refused(OAuthError.InvalidRequest);
        }

        if (!RefreshTokens.IsOurs(token))
        {
            return await RedeemForeignAsync(request, token);
        }

        if (parts.RefreshTokens.Open(token) is not { } content)
        {
            return Fail(
                request,
                "the refresh token was not issued with a secret of session.jwt_secret",
                AtTokenEndpoint,
                OAuthError.InvalidGrant);
        }

        return parts.Revocations.CoversSession(content.SessionId, content.Sub, content.IssuedAt)
            ? Fail(request, "the session was revoked", AtTokenEndpoint, OAuthError.InvalidGrant)
            : await AskProviderAsync(request, content.IdpToken, content.SessionId, content);
    }

    /// <summary>An IdP's own token, which clients of the reference hold; or anything else that anybody sends.</summary>
    private async Task<TokenOutcome> RedeemForeignAsync(GatewayRequest request, string token)
    {
        if (token.Length > ForeignRefreshLimit.MaxTokenChars)
        {
            return Fail(request, "the refresh token is longer than any", AtTokenEndpoint, OAuthError.InvalidGrant);
        }

        TokenOutcome? outcome = null;
        var wait = await _foreign.TryAsync(
            request, async () => outcome = await AskProviderAsync(request, token, SessionTokens.NewId(), null));
        const string Limited = "too many refresh tokens of another issuer; try again later";
        return outcome ?? Fail(request, Limited, AtTokenEndpoint, OAuthError.SlowDown(wait ?? TimeSpan.Zero, Limited));
    }

    /// <param name="bound">Whose session it is; null for an IdP token that carries no binding.</param>
    private async Task<TokenOutcome> AskProviderAsync(
        GatewayRequest request, string idpToken, string sessionId, RefreshTokenContent? bound) =>
        await parts.Provider.RefreshAsync(idpToken) switch
        {
            TokenEndpointAnswer.Granted granted => await RenewAsync(request, granted, idpToken, sessionId, bound),
            TokenEndpointAnswer.Refused { Error: "invalid_grant" } refused =>
                Fail(request, refused.Reason, AtTokenEndpoint, OAuthError.InvalidGrant),
            TokenEndpointAnswer.Refused refused =>
                Fail(request, refused.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            TokenEndpointAnswer.Unavailable unavailable =>
                Fail(request, unavailable.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            _ => throw new InvalidOperationException("unknown answer of the token endpoint"),
        };

    private async Task<TokenOutcome> RenewAsync(
        GatewayRequest request,
        TokenEndpointAnswer.Granted granted,
        string idpToken,
        string sessionId,
        RefreshTokenContent? bound)
    {
        IdentityResult result;
        try
        {
            result = await parts.Identities.RefreshAsync(granted);
        }
        catch (IdentityProviderUnavailableException e)
        {
            return Fail(
                request, e.Message, granted.IdToken is null ? AtUserinfo : AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.IsUserUnknown)
        {
            // The next refresh may bring the claim; ending the session would not.
            return Fail(request, result.Problem!, AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.Identity is not { } identity)
        {
            return Fail(
                request,
                result.Problem ?? "no identity",
                result.IsTokenInvalid ? AtTokenEndpoint : AtClaims,
                OAuthError.InvalidGrant);
        }

        if (bound is not null && !bound.IsOf(identity.Sub, result.Subject))
        {
            return Fail(
                request, "the IdP answered for another sub than the session's", AtClaims, OAuthError.InvalidGrant);
        }

        var ttlHours = parts.Config.Session.TtlHours;
        parts.Audit.SessionRefresh(
            request.Id, identity.Sub, identity.Email, request.ClientAddress.ToString(), ttlHours);
        var newToken = granted.RefreshToken ?? idpToken;
        var renewed = parts.RefreshTokens.Seal(newToken, identity.Sub, result.Subject, sessionId);
        return new TokenOutcome.TokenResponse(parts.Tokens.Mint(identity, sessionId), renewed, identity.Email);
    }

    private TokenOutcome.Refused Fail(GatewayRequest request, string reason, string step, OAuthError error)
    {
        parts.Audit.SessionRefreshFailed(request.Id, request.ClientAddress.ToString(), reason, step, error.Error);
        return new TokenOutcome.Refused(error);
    }
}
