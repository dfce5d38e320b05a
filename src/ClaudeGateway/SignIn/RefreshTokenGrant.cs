using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Renews a session (RFC 6749 section 6): the IdP is asked again and every sign-in rule checked again, so whoever the
/// company has switched off is out when the bearer ends. A clear no ends the session (401 invalid_grant); trouble on the
/// way does not (503). Needs no store.
/// </summary>
internal sealed class RefreshTokenGrant(
    SessionConfig session,
    IdentityProvider provider,
    IdentityResolver identities,
    SessionTokens tokens,
    RefreshTokens refreshTokens,
    Revocations revocations,
    AuditLog audit)
{
    private const string AtTokenEndpoint = "token_endpoint";
    private const string AtClaims = "claims";
    private const string AtUserinfo = "userinfo_no_id_token";

    public async Task<TokenOutcome> RedeemAsync(GatewayRequest request, string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return new TokenOutcome.Refused(OAuthError.InvalidRequest);
        }

        if (!RefreshTokens.IsOurs(token))
        {
            return await AskProviderAsync(request, token, SessionTokens.NewId(), null);
        }

        if (refreshTokens.Open(token) is not { } content)
        {
            return Fail(request, "the refresh token was not issued with a secret of session.jwt_secret", AtTokenEndpoint, OAuthError.InvalidGrant);
        }

        return revocations.CoversSession(content.SessionId, content.Sub, content.IssuedAt)
            ? Fail(request, "the session was revoked", AtTokenEndpoint, OAuthError.InvalidGrant)
            : await AskProviderAsync(request, content.IdpToken, content.SessionId, content);
    }

    /// <param name="bound">Whose session it is; null for an IdP token that carries no binding.</param>
    private async Task<TokenOutcome> AskProviderAsync(GatewayRequest request, string idpToken, string sessionId, RefreshTokenContent? bound) =>
        await provider.RefreshAsync(idpToken) switch
        {
            TokenEndpointAnswer.Granted granted => await RenewAsync(request, granted, idpToken, sessionId, bound),
            TokenEndpointAnswer.Refused { Error: "invalid_grant" } refused => Fail(request, refused.Reason, AtTokenEndpoint, OAuthError.InvalidGrant),
            TokenEndpointAnswer.Refused refused => Fail(request, refused.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            TokenEndpointAnswer.Unavailable unavailable => Fail(request, unavailable.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            _ => throw new InvalidOperationException("unknown answer of the token endpoint"),
        };

    private async Task<TokenOutcome> RenewAsync(GatewayRequest request, TokenEndpointAnswer.Granted granted, string idpToken, string sessionId, RefreshTokenContent? bound)
    {
        IdentityResult result;
        try
        {
            result = await identities.RefreshAsync(granted);
        }
        catch (IdentityProviderUnavailableException e)
        {
            return Fail(request, e.Message, granted.IdToken is null ? AtUserinfo : AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.IsUserUnknown)
        {
            // The next refresh may bring the claim; ending the session would not.
            return Fail(request, result.Problem!, AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.Identity is not { } identity)
        {
            return Fail(request, result.Problem ?? "no identity", result.IsTokenInvalid ? AtTokenEndpoint : AtClaims, OAuthError.InvalidGrant);
        }

        if (bound is not null && !bound.IsOf(identity.Sub, result.Subject))
        {
            return Fail(request, "the IdP answered for another sub than the session's", AtClaims, OAuthError.InvalidGrant);
        }

        audit.SessionRefresh(request.Id, identity.Sub, identity.Email, request.ClientAddress.ToString(), session.TtlHours);
        var renewed = refreshTokens.Seal(granted.RefreshToken ?? idpToken, identity.Sub, result.Subject, sessionId);
        return new TokenOutcome.TokenResponse(tokens.Mint(identity, sessionId), renewed, identity.Email);
    }

    private TokenOutcome.Refused Fail(GatewayRequest request, string reason, string step, OAuthError error)
    {
        audit.SessionRefreshFailed(request.Id, request.ClientAddress.ToString(), reason, step, error.Error);
        return new TokenOutcome.Refused(error);
    }
}
