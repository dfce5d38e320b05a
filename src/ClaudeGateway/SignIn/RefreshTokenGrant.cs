using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.SignIn.Refresh;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Renews a session (RFC 6749 section 6): the IdP is asked again and every sign-in rule checked again, so whoever the
/// company has switched off is out when the bearer ends. A clear no ends the session (401 invalid_grant); trouble on
/// the way does not (503). Whoever presents the same token of ours gets the same answer (<see cref="OneRefresh"/>).
/// Works without the store, except for tokens that the gateway did not seal (<see cref="ForeignRefreshLimit"/>).
/// </summary>
internal sealed class RefreshTokenGrant(SignInParts parts)
{
    private const string AtTokenEndpoint = "token_endpoint";
    private const string AtClaims = "claims";
    private const string AtUserinfo = "userinfo_no_id_token";

    private readonly ForeignRefreshLimit _foreign = new(parts);
    private readonly OneRefresh _one = new(parts);

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

        if (parts.Revocations.CoversSession(content.SessionId, content.Sub, content.IssuedAt))
        {
            return Fail(request, "the session was revoked", AtTokenEndpoint, OAuthError.InvalidGrant);
        }

        var (outcome, isRepeated) = await _one.RedeemAsync(
            content, () => AskProviderAsync(content.IdpToken, content.SessionId, content));
        return Answer(request, outcome, isRepeated);
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
            request,
            async () => outcome = Answer(
                request, await AskProviderAsync(token, SessionTokens.NewId(), null), isRepeated: false));
        const string Limited = "too many refresh tokens of another issuer; try again later";
        return outcome ?? Fail(request, Limited, AtTokenEndpoint, OAuthError.SlowDown(wait ?? TimeSpan.Zero, Limited));
    }

    /// <param name="bound">Whose session it is; null for an IdP token that carries no binding.</param>
    private async Task<RefreshOutcome> AskProviderAsync(
        string idpToken, string sessionId, RefreshTokenContent? bound) =>
        await parts.Provider.RefreshAsync(idpToken) switch
        {
            TokenEndpointAnswer.Granted granted => await RenewAsync(granted, idpToken, sessionId, bound),
            TokenEndpointAnswer.Refused { Error: "invalid_grant" } refused =>
                new RefreshOutcome.Failed(refused.Reason, AtTokenEndpoint, OAuthError.InvalidGrant),
            TokenEndpointAnswer.Refused refused =>
                new RefreshOutcome.Failed(refused.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            TokenEndpointAnswer.Unavailable unavailable =>
                new RefreshOutcome.Failed(unavailable.Reason, AtTokenEndpoint, OAuthError.TemporarilyUnavailable),
            _ => throw new InvalidOperationException("unknown answer of the token endpoint"),
        };

    private async Task<RefreshOutcome> RenewAsync(
        TokenEndpointAnswer.Granted granted, string idpToken, string sessionId, RefreshTokenContent? bound)
    {
        IdentityResult result;
        try
        {
            result = await parts.Identities.RefreshAsync(granted);
        }
        catch (IdentityProviderUnavailableException e)
        {
            return new RefreshOutcome.Failed(
                e.Message, granted.IdToken is null ? AtUserinfo : AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.IsUserUnknown)
        {
            // The next refresh may bring the claim; ending the session would not.
            return new RefreshOutcome.Failed(result.Problem!, AtClaims, OAuthError.TemporarilyUnavailable);
        }

        if (result.Identity is not { } identity)
        {
            return new RefreshOutcome.Failed(
                result.Problem ?? "no identity",
                result.IsTokenInvalid ? AtTokenEndpoint : AtClaims,
                OAuthError.InvalidGrant);
        }

        if (bound is not null && !bound.IsOf(identity.Sub, result.Subject))
        {
            return new RefreshOutcome.Failed(
                "the IdP answered for another sub than the session's", AtClaims, OAuthError.InvalidGrant);
        }

        if (result.OmittedGroups == OmittedGroups.ByIdp)
        {
            parts.Log.Warn(UserGroups.OmittedByIdp);
        }

        var newToken = granted.RefreshToken ?? idpToken;
        var renewed = parts.RefreshTokens.Seal(newToken, identity.Sub, result.Subject, sessionId);
        var bearer = parts.Tokens.Mint(identity, sessionId);
        return new RefreshOutcome.Renewed(
            bearer.Token,
            parts.Clock.GetUtcNow() + TimeSpan.FromSeconds(bearer.ExpiresIn),
            renewed,
            identity.Sub,
            identity.Email);
    }

    private TokenOutcome Answer(GatewayRequest request, RefreshOutcome outcome, bool isRepeated)
    {
        switch (outcome)
        {
            case RefreshOutcome.Renewed renewed:
                parts.Audit.SessionRefresh(
                    request.Id,
                    renewed.Sub,
                    renewed.Email,
                    request.ClientAddress.ToString(),
                    parts.Config.Session.TtlHours,
                    isRepeated);
                // One that is handed out again ends when it always did.
                var left = Math.Ceiling((renewed.ExpiresAt - parts.Clock.GetUtcNow()).TotalSeconds);
                return new TokenOutcome.TokenResponse(
                    new MintedToken(renewed.AccessToken, Math.Max(1, (long)left)), renewed.RefreshToken, renewed.Email);
            case RefreshOutcome.Failed failed:
                return Fail(request, failed.Reason, failed.Step, failed.Error, isRepeated);
            default:
                throw new InvalidOperationException("unknown outcome of a refresh");
        }
    }

    private TokenOutcome.Refused Fail(
        GatewayRequest request, string reason, string step, OAuthError error, bool isRepeated = false)
    {
        parts.Audit.SessionRefreshFailed(
            request.Id, request.ClientAddress.ToString(), reason, step, error.Error, isRepeated);
        return new TokenOutcome.Refused(error);
    }
}
