using ClaudeGateway.Http;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// Hands a device its two codes (RFC 8628 section 3.1). Whatever the body is, it is not refused: only <c>surface</c> is
/// looked for.
/// </summary>
internal sealed class DeviceAuthorizationEndpoint(SignInParts parts)
{
    public const string Path = "/oauth/device_authorization";
    private const int MaxSurfaceChars = 64;
    private const int MaxUserAgentChars = 200;

    private readonly SignInRateLimit _rateLimit =
        parts.RateLimit("device_authorization", parts.Config.RateLimits.DeviceAuthorization);

    public void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest request)
    {
        try
        {
            if (await _rateLimit.HitAsync(request.ClientAddress) is { } wait)
            {
                parts.Audit.DeviceAuthorize(request.Id, "rate_limited", request.ClientAddress.ToString());
                await OAuthError.SlowDown(wait,
                    "too many sign-in requests from your address; try again later").WriteAsync(request);
                return;
            }

            var surface = (await SignInForm.ReadAsync(request))?["surface"];
            var agent = Cut(request.Http.Request.Headers.UserAgent, MaxUserAgentChars);
            var grant = await parts.Grants.CreateAsync(request.ClientAddress, agent, Cut(surface, MaxSurfaceChars));
            using var step = SignInTrace.Step(
                parts.Audit.Meter, "authorize", DeviceCodes.Hash(grant.DeviceCode));
            parts.Audit.DeviceAuthorize(request.Id, "success", request.ClientAddress.ToString());
            await WriteAsync(request, grant);
        }
        catch (StoreUnavailableException)
        {
            await OAuthError.TemporarilyUnavailable.WriteAsync(request);
        }
    }

    private Task WriteAsync(GatewayRequest request, DeviceGrant grant)
    {
        var verificationUri = parts.Origin.Of(request) + VerificationEndpoint.Path;
        return OAuthAnswers.WriteAsync(request, 200, json =>
        {
            json.WriteString("device_code", grant.DeviceCode);
            json.WriteString("user_code", grant.UserCode);
            json.WriteString("verification_uri", verificationUri);
            json.WriteString("verification_uri_complete", $"{verificationUri}?user_code={grant.UserCode}");
            json.WriteNumber("expires_in", (int)DeviceGrantStore.Lifetime.TotalSeconds);
            json.WriteNumber("interval", (int)DeviceGrantStore.Interval.TotalSeconds);
            if (parts.Config.LoginNotice is { } loginNotice)
            {
                json.WriteString("login_notice", loginNotice);
            }
        });
    }

    /// <summary>
    /// Printable text of bounded length, or null. No half of a surrogate pair, which no database takes.
    /// </summary>
    private static string? Cut(string? text, int maxChars)
    {
        var printable = string.Concat(
            (text ?? "").Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(maxChars));
        return printable.Length > 0 ? printable : null;
    }
}
