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

    private const int MaxTold = 10_000;

    /// <summary>Sessions, by id, of whose end the IdP has been told.</summary>
    private readonly RecentlyUsed<Once> _told = new(MaxTold, parts.Clock);

    public void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest request)
    {
        if ((await SignInForm.ReadAsync(request))?["token"] is not { Length: > 0 } token)
        {
            await OAuthError.InvalidRequest.WriteAsync(request);
            return;
        }

        var session = Find(token);
        var isStored = true;
        try
        {
            await (session?.EndAsync() ?? Task.CompletedTask);
        }
        catch (StoreUnavailableException)
        {
            isStored = false;
        }
        finally
        {
            // It is over here whatever became of the writing.
            parts.Audit.SessionRevoke(request.Id, session?.Sub, request.ClientAddress.ToString());
        }

        if (!isStored)
        {
            await OAuthError.TemporarilyUnavailable.WriteAsync(request);
            return;
        }

        Answers.NoStore(request);
        await Answers.WriteAsync(request, 200, Answers.Json, ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>Null for a token that is not ours or is over.</summary>
    private Session? Find(string token) =>
        parts.RefreshTokens.Open(token) is { } content ? new Session(content.Sub, () => EndAsync(content))
        : parts.Tokens.Verify(token) is { } principal
            ? new Session(principal.Sub, () => parts.RevocationStore.RevokeAsync(principal))
        : null;

    /// <summary>
    /// Written each time: that it is over here says nothing of whether the first attempt reached the store. The IdP is
    /// told once: whoever sends the token again and again must not make the gateway ask it each time.
    /// </summary>
    private async Task EndAsync(RefreshTokenContent content)
    {
        try
        {
            await parts.RevocationStore.RevokeSessionAsync(content.SessionId);
        }
        finally
        {
            if (_told.Get(content.SessionId, 0, static (_, _) => new Once()).IsFirst())
            {
                const string consequence = "oidc: the IdP may not have heard of a sign-out";
                _ = BackgroundLoop.DoAsync(() => TellProviderAsync(content.IdpToken), consequence, parts.Log);
            }
        }
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

    /// <param name="Sub">Whose it is.</param>
    /// <param name="EndAsync">Ends it.</param>
    private sealed record Session(string Sub, Func<Task> EndAsync);

    private sealed class Once
    {
        private int _isDone;

        public bool IsFirst() => Interlocked.Exchange(ref _isDone, 1) == 0;
    }
}
