using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.SignIn.Pages;
using ClaudeGateway.Storage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// /oauth/callback, where the browser comes back from the IdP (OpenID Connect Core 1.0 section 3.1.2.5). In this order:
/// 1. the state names a sign-in under way, 2. the cookie says it is this browser's, 3. the IdP reports no error and is
/// the right one, 4. the code is redeemed, once, 5. the tokens name somebody who may sign in, 6. the grant is approved.
/// </summary>
internal sealed class CallbackEndpoint(SignInParts parts)
{
    public const string Path = "/oauth/callback";

    private static readonly TimeSpan[] RetryPauses = [TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1)];

    public void Map(Routes routes) => routes.PublicAnyMethod(Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest request)
    {
        try
        {
            await ReceiveAsync(request);
        }
        catch (StoreUnavailableException)
        {
            await CallbackPages.StoreUnavailableAsync(request);
        }
    }

    private async Task ReceiveAsync(GatewayRequest request)
    {
        if (parts.UnknownCodes.Wait(request.ClientAddress) is { } wait)
        {
            parts.Audit.DeviceCallback(request.Id, "rate_limited", request.ClientAddress.ToString());
            OAuthAnswers.SetRetryAfter(request, wait);
            await CallbackPages.LimitedAsync(request);
            return;
        }

        // 1. The state names a sign-in under way.
        var query = request.Http.Request.Query;
        if (query["state"] is not [{ Length: > 0 } state]
            || await parts.Grants.FindAttemptAsync(state) is not { } attempt)
        {
            parts.UnknownCodes.Count(request.ClientAddress);
            parts.Audit.DeviceCallback(request.Id, "invalid_state", request.ClientAddress.ToString());
            await CallbackPages.StaleAsync(request);
            return;
        }

        using var step = SignInTrace.Step(parts.Audit.Meter, "callback", attempt.DeviceCodeHash);
        // 2. The cookie says it is this browser's.
        if (parts.Browser.Find(request, attempt.BrowserHash) is not { } cookie)
        {
            parts.Audit.DeviceCallback(request.Id, "browser_mismatch", request.ClientAddress.ToString());
            parts.Browser.Clear(request);
            await CallbackPages.OtherBrowserAsync(request);
            return;
        }

        // 3. The IdP reports no error.
        if (query["error"] is [{ Length: > 0 } error, ..])
        {
            parts.Audit.DeviceCallback(request.Id, "idp_error", request.ClientAddress.ToString());
            await CallbackPages.ProviderErrorAsync(
                request, query["error_description"] is [{ Length: > 0 } text, ..] ? $"{error}: {text}" : error);
            return;
        }

        if (query["code"] is not [{ Length: > 0 } code])
        {
            parts.Audit.DeviceCallback(request.Id, "idp_error", request.ClientAddress.ToString());
            await CallbackPages.StaleAsync(request);
            return;
        }

        // 4. The code is redeemed, by one of those who bring it.
        if (!await parts.Grants.ClaimAttemptAsync(state))
        {
            await CallbackPages.StaleAsync(request);
            return;
        }

        await FinishAsync(request, attempt, cookie.Name, cookie.Secret, state, code);
    }

    private async Task FinishAsync(
        GatewayRequest request, SignInAttempt attempt, string cookie, string secret, string state, string code)
    {
        if (WrongIssuer(request.Http.Request.Query) is { } wrong)
        {
            await RefuseAsync(request, attempt, cookie, wrong);
            return;
        }

        var redirectUri = parts.Origin.Of(request) + Path;
        var answer = await RedeemAsync(code, redirectUri, BrowserBinding.CodeVerifier(secret, state));
        switch (answer)
        {
            case TokenEndpointAnswer.Granted tokens:
                await ApproveAsync(request, attempt, cookie, tokens, BrowserBinding.Nonce(secret, state));
                break;
            case TokenEndpointAnswer.Refused refused:
                await RefuseAsync(request, attempt, cookie, refused.Reason);
                break;
            case TokenEndpointAnswer.Unavailable { IsFinal: true } refused:
                parts.Log.Warn($"oidc: {refused.Reason} (request {request.Id})");
                await RefuseAsync(request, attempt, cookie, refused.Reason);
                break;
            case TokenEndpointAnswer.Unavailable unavailable:
                parts.Log.Warn($"oidc: {unavailable.Reason}; the sign-in stays open (request {request.Id})");
                parts.Audit.SessionMintFailed(request.Id, request.ClientAddress.ToString(), unavailable.Reason);
                await parts.Grants.ReleaseAttemptAsync(state);
                await CallbackPages.ProviderUnreachableAsync(request);
                break;
            default:
                throw new InvalidOperationException($"unknown answer {answer}");
        }
    }

    /// <summary>
    /// A broken connection or a 5xx may pass: an unredeemed code is still good, and a redeemed one is refused anyway.
    /// </summary>
    private async Task<TokenEndpointAnswer> RedeemAsync(string code, string redirectUri, string codeVerifier)
    {
        for (var attempt = 0; ; attempt++)
        {
            var answer = await parts.Provider.RedeemAsync(code, redirectUri, codeVerifier);
            if (attempt == RetryPauses.Length
                || answer is not (
                    TokenEndpointAnswer.Unavailable { IsFinal: false }
                    or TokenEndpointAnswer.Refused { Status: >= 500 }))
            {
                return answer;
            }

            await Task.Delay(RetryPauses[attempt], parts.Clock);
        }
    }

    private async Task ApproveAsync(
        GatewayRequest request, SignInAttempt attempt, string cookie, TokenEndpointAnswer.Granted tokens, string nonce)
    {
        // 5. The tokens name somebody who may sign in.
        IdentityResult result;
        try
        {
            result = await parts.Identities.SignInAsync(tokens, nonce);
        }
        catch (IdentityProviderUnavailableException e)
        {
            parts.Log.Warn($"oidc: {e.Message} (request {request.Id})");
            result = IdentityResult.Rejected(e.Message);
        }

        if (result.Identity is not { } identity)
        {
            await RefuseAsync(request, attempt, cookie, result.Problem ?? "no identity");
            return;
        }

        // 6. The grant is approved.
        var pending = new PendingSession(identity, SessionTokens.NewId(), tokens.RefreshToken, result.Subject);
        parts.Browser.Clear(request, cookie);
        var sealedSession = pending.Seal(parts.Box, attempt.DeviceCodeHash);
        if (await parts.Grants.ApproveAsync(attempt.DeviceCodeHash, sealedSession) is not { } approved)
        {
            await CallbackPages.StaleAsync(request);
            return;
        }

        parts.Audit.SessionMint(
            request.Id,
            identity.Sub,
            identity.Email,
            request.ClientAddress.ToString(),
            parts.Config.Session.TtlHours,
            approved.Surface,
            result.OmittedGroups);
        if (result.OmittedGroups == OmittedGroups.ByIdp)
        {
            parts.Log.Warn($"{UserGroups.OmittedByIdp} (request {request.Id})");
        }

        await CallbackPages.SignedInAsync(request, identity.Email);
    }

    private async Task RefuseAsync(GatewayRequest request, SignInAttempt attempt, string cookie, string reason)
    {
        parts.Audit.SessionMintFailed(request.Id, request.ClientAddress.ToString(), reason);
        await parts.Grants.DenyAsync(attempt.DeviceCodeHash);
        parts.Browser.Clear(request, cookie);
        await CallbackPages.RefusedAsync(request, reason);
    }

    /// <summary>The iss parameter (RFC 9207) tells a mix-up of providers apart.</summary>
    private string? WrongIssuer(IQueryCollection query) => query["iss"] switch
    {
        [{ } issuer] when issuer == parts.Provider.Metadata.Issuer => null,
        [{ }] => "the authorization response names another issuer",
        [] when parts.Provider.Metadata.PromisesIssuerParameter =>
            "the authorization response names no issuer, although the IdP promises it",
        [] => null,
        _ => "the authorization response names several issuers",
    };
}
