using ClaudeGateway.Http;
using ClaudeGateway.SignIn.Pages;
using ClaudeGateway.Storage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// /device, where a person approves or denies a device (RFC 8628 section 3.3). Approving is: same origin, rate limit,
/// known code, then off to the IdP with a cookie that ties the way back to this browser. Reading the page changes
/// nothing.
/// </summary>
internal sealed class VerificationEndpoint(SignInParts parts, DevicePages pages)
{
    public const string Path = "/device";
    private const string DenyPath = "/device/deny";

    private readonly SignInRateLimit _verifyLimit =
        parts.RateLimit("device_verify", parts.Config.RateLimits.DeviceVerify);
    private readonly SignInRateLimit _lookupLimit =
        parts.RateLimit("device_lookup", parts.Config.RateLimits.DeviceAuthorization);

    public void Map(Routes routes)
    {
        routes.Public("GET", Path, HandlePageAsync);
        routes.Public("POST", Path, request => HandleFormAsync(request, ApproveAsync));
        routes.Public("POST", DenyPath, request => HandleFormAsync(request, DenyAsync));
    }

    private async Task HandlePageAsync(GatewayRequest request)
    {
        if (request.Http.Request.Query["user_code"] is not [{ Length: > 0 } code, ..])
        {
            await pages.EnterCodeAsync(request, 200, null);
            return;
        }

        await pages.ConfirmAsync(request, code, await FindOriginAsync(request, code), parts.Clock.GetUtcNow());
    }

    /// <summary>
    /// Limited like an attempt: showing the origin tells that a code exists. Without it the page still works.
    /// </summary>
    private async Task<DeviceRequest?> FindOriginAsync(GatewayRequest request, string code)
    {
        if (DeviceCodes.NormalizeUserCode(code) is not { } userCode)
        {
            return null;
        }

        try
        {
            return await _lookupLimit.HitAsync(request.ClientAddress) is null
                ? await parts.Grants.FindRequestAsync(userCode)
                : null;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private async Task HandleFormAsync(GatewayRequest request, Func<GatewayRequest, string?, Task> act)
    {
        try
        {
            if (!IsSameOrigin(request))
            {
                parts.Audit.DeviceVerify(request.Id, "csrf_rejected", request.ClientAddress.ToString());
                await pages.ForeignFormAsync(request);
                return;
            }

            if (await _verifyLimit.HitAsync(request.ClientAddress) is { } wait)
            {
                parts.Audit.DeviceVerify(request.Id, "rate_limited", request.ClientAddress.ToString());
                OAuthAnswers.SetRetryAfter(request, wait);
                await pages.LimitedAsync(request, wait);
                return;
            }

            await act(request, DeviceCodes.NormalizeUserCode((await SignInForm.ReadAsync(request))?["user_code"]));
        }
        catch (StoreUnavailableException)
        {
            await pages.StoreUnavailableAsync(request);
        }
    }

    private async Task ApproveAsync(GatewayRequest request, string? userCode)
    {
        var state = DeviceCodes.NewSecret();
        var secret = DeviceCodes.NewSecret();
        if (userCode is null || await parts.Grants.StartAttemptAsync(userCode, state, secret) is not { } deviceCodeHash)
        {
            await AnswerUnknownAsync(request);
            return;
        }

        using var step = SignInTrace.Step(parts.Audit.Meter, "verify", deviceCodeHash);
        parts.Browser.Set(request, secret);
        parts.Audit.DeviceVerify(request.Id, "redirect", request.ClientAddress.ToString());
        Answers.NoStore(request);
        request.Http.Response.StatusCode = StatusCodes.Status302Found;
        request.Http.Response.Headers.Location = parts.Provider.AuthorizationUrl(
            parts.Origin.Of(request) + CallbackEndpoint.Path,
            state,
            BrowserBinding.Nonce(secret, state),
            BrowserBinding.CodeVerifier(secret, state));
        request.Http.Response.ContentLength = 0;
    }

    private async Task DenyAsync(GatewayRequest request, string? userCode)
    {
        if (userCode is null || await parts.Grants.DenyAsync(userCode) is not { } denied)
        {
            await AnswerUnknownAsync(request);
            return;
        }

        parts.Audit.DeviceDeny(request.Id, request.ClientAddress.ToString(), denied.Address, denied.At);
        await pages.DeniedAsync(request);
    }

    private Task AnswerUnknownAsync(GatewayRequest request)
    {
        parts.Audit.DeviceVerify(request.Id, "unknown_code", request.ClientAddress.ToString());
        return pages.EnterCodeAsync(
            request, 400, "This code is not known. It may be mistyped, used already, or older than ten minutes.");
    }

    /// <summary>
    /// Sec-Fetch-Site alone decides when a browser sends it, else Origin must be ours (spec/auth.md, /device).
    /// </summary>
    private bool IsSameOrigin(GatewayRequest request)
    {
        var headers = request.Http.Request.Headers;
        return headers["Sec-Fetch-Site"] is [{ } site, ..]
            ? site is "same-origin" or "none"
            : headers.Origin is [{ } sender] && parts.Origin.Is(sender, request);
    }
}
