using ClaudeGateway.Http;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Sign-out (RFC 7009): a bearer or a refresh token ends the whole session it belongs to. Whoever holds a token may
/// revoke it, and an unknown one is answered like a known one, so the answer tells nothing.
/// </summary>
internal sealed class RevocationEndpoint(SignInParts parts)
{
    public const string Path = "/oauth/revoke";

    public void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest request)
    {
        if ((await SignInForm.ReadAsync(request))?["token"] is not { Length: > 0 } token)
        {
            await OAuthError.InvalidRequest.WriteAsync(request);
            return;
        }

        try
        {
            parts.Audit.SessionRevoke(request.Id, await RevokeAsync(token), request.ClientAddress.ToString());
        }
        catch (StoreUnavailableException)
        {
            await OAuthError.TemporarilyUnavailable.WriteAsync(request);
            return;
        }

        Answers.NoStore(request);
        await Answers.WriteAsync(request, 200, Answers.Json, ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>Whose session ended, or null for a token that is not ours or is over.</summary>
    private async Task<string?> RevokeAsync(string token)
    {
        if (parts.RefreshTokens.Open(token) is { } content)
        {
            if (parts.Revocations.CoversSession(content.SessionId, content.Sub, content.IssuedAt))
            {
                // Known already: whoever sends it again and again must not make the gateway ask the IdP each time.
                return content.Sub;
            }

            await parts.RevocationStore.RevokeSessionAsync(content.SessionId);
            const string consequence = "oidc: the IdP may not have heard of a sign-out";
            _ = BackgroundLoop.DoAsync(() => TellProviderAsync(content.IdpToken), consequence, parts.Log);
            return content.Sub;
        }

        if (parts.Tokens.Verify(token) is { } principal)
        {
            await parts.RevocationStore.RevokeAsync(principal);
            return principal.Sub;
        }

        return null;
    }

    /// <summary>
    /// The IdP's own refresh token is of no use any more; whether the IdP hears of it changes nothing here.
    /// </summary>
    private async Task TellProviderAsync(string idpToken)
    {
        try
        {
            await parts.Provider.RevokeAsync(idpToken);
        }
        catch (Exception e)
            when (e is IdentityProviderUnavailableException or ObjectDisposedException or OperationCanceledException)
        {
            parts.Log.Debug($"oidc: revoking the refresh token at the IdP failed: {e.Message}");
        }
    }
}
