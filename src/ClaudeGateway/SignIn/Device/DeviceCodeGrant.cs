using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn.Device;

/// <summary>A device's poll (RFC 8628 section 3.4).</summary>
internal sealed class DeviceCodeGrant(SignInParts parts)
{
    public async Task<TokenOutcome> RedeemAsync(GatewayRequest request, string? deviceCode)
    {
        if (string.IsNullOrEmpty(deviceCode))
        {
            return new TokenOutcome.Refused(OAuthError.InvalidRequest);
        }

        if (parts.UnknownCodes.Wait(request.ClientAddress) is not null)
        {
            return new TokenOutcome.Refused(OAuthError.SlowDown(DeviceGrantStore.Interval));
        }

        var poll = await parts.Grants.ConsumeAsync(deviceCode);
        if (poll is PollResult.Unknown)
        {
            parts.UnknownCodes.Count(request.ClientAddress);
        }

        return poll switch
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
        using var step = SignInTrace.Step(parts.Audit.Meter, "token", deviceCodeHash);
        if (PendingSession.Open(parts.Box, approved.SealedIdentity, deviceCodeHash) is not { } session)
        {
            return new TokenOutcome.Refused(OAuthError.ExpiredToken);
        }

        if (parts.Revocations.CoversSession(session.SessionId, session.Identity.Sub, approved.At))
        {
            return new TokenOutcome.Refused(OAuthError.AccessDenied);
        }

        var refreshToken = session.RefreshToken is { } token
            ? parts.RefreshTokens.Seal(token, session.Identity.Sub, session.IdpSub, session.SessionId)
            : null;
        return new TokenOutcome.TokenResponse(
            parts.Tokens.Mint(session.Identity, session.SessionId), refreshToken, session.Identity.Email);
    }
}
