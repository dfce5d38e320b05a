using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Sign-out (RFC 7009): a bearer or a refresh token ends the whole session it belongs to. Whoever holds a token may
/// revoke it, and an unknown one is answered like a known one, so the answer tells nothing.
/// </summary>
internal sealed class RevocationEndpoint(SessionTokens tokens, RefreshTokens refreshTokens, RevocationStore revocations, IdentityProvider provider, AuditLog audit, OperationalLog log)
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
            audit.SessionRevoke(request.Id, await RevokeAsync(token), request.ClientAddress.ToString());
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
        if (refreshTokens.Open(token) is { } content)
        {
            await revocations.RevokeSessionAsync(content.SessionId);
            const string consequence = "oidc: the IdP may not have heard of a sign-out";
            _ = BackgroundLoop.DoAsync(() => TellProviderAsync(content.IdpToken), consequence, log);
            return content.Sub;
        }

        if (tokens.Verify(token) is { } principal)
        {
            await revocations.RevokeAsync(principal);
            return principal.Sub;
        }

        return null;
    }

    /// <summary>The IdP's own refresh token is of no use any more; whether the IdP hears of it changes nothing here.</summary>
    private async Task TellProviderAsync(string idpToken)
    {
        try
        {
            await provider.RevokeAsync(idpToken);
        }
        catch (Exception e) when (e is IdentityProviderUnavailableException or ObjectDisposedException or OperationCanceledException)
        {
            log.Debug($"oidc: revoking the refresh token at the IdP failed: {e.Message}");
        }
    }
}
