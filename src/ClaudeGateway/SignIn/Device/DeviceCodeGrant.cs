using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn.Device;

/// <summary>A device's poll (RFC 8628 section 3.4).</summary>
internal sealed class DeviceCodeGrant(
    DeviceGrantStore grants, SessionTokens tokens, RefreshTokens refreshTokens, SealedBox box, Revocations revocations)
{
    public async Task<TokenOutcome> RedeemAsync(string? deviceCode)
    {
        if (string.IsNullOrEmpty(deviceCode))
        {
            return new TokenOutcome.Refused(OAuthError.InvalidRequest);
        }

        return await grants.ConsumeAsync(deviceCode) switch
        {
            PollResult.Pending => new TokenOutcome.Refused(OAuthError.AuthorizationPending),
            PollResult.TooSoon => new TokenOutcome.Refused(OAuthError.SlowDown(DeviceGrantStore.Interval)),
            PollResult.Denied => new TokenOutcome.Refused(OAuthError.AccessDenied),
            PollResult.Approved approved => Mint(approved, DeviceCodes.Hash(deviceCode)),
            _ => new TokenOutcome.Refused(OAuthError.ExpiredToken),
        };
    }

    private TokenOutcome Mint(PollResult.Approved approved, byte[] deviceCodeHash)
    {
        if (PendingSession.Open(box, approved.SealedIdentity, deviceCodeHash) is not { } session)
        {
            return new TokenOutcome.Refused(OAuthError.ExpiredToken);
        }

        if (revocations.CoversSession(session.SessionId, session.Identity.Sub, approved.At))
        {
            return new TokenOutcome.Refused(OAuthError.AccessDenied);
        }

        var refreshToken = session.RefreshToken is { } token
            ? refreshTokens.Seal(token, session.Identity.Sub, session.IdpSub, session.SessionId)
            : null;
        return new TokenOutcome.TokenResponse(
            tokens.Mint(session.Identity, session.SessionId), refreshToken, session.Identity.Email);
    }
}
