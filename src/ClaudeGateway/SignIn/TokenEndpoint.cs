using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>What a grant leads to: a closed set.</summary>
internal abstract record TokenOutcome
{
    /// <summary>
    /// A session (RFC 6749 section 5.1); <paramref name="Email"/> is an extension the client shows to its user.
    /// </summary>
    internal sealed record TokenResponse(MintedToken AccessToken, string? RefreshToken, string? Email) : TokenOutcome;

    internal sealed record Refused(OAuthError Error) : TokenOutcome;
}

/// <summary>
/// POST /oauth/token: reads the form once and lets the grant named in it decide (RFC 6749 section 3.2).
/// </summary>
internal sealed class TokenEndpoint(DeviceCodeGrant deviceCode, RefreshTokenGrant refreshToken, PublicOrigin origin)
{
    public const string Path = "/oauth/token";
    public const string DeviceCodeGrantType = "urn:ietf:params:oauth:grant-type:device_code";
    public const string RefreshTokenGrantType = "refresh_token";

    public void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest request)
    {
        switch (await DecideAsync(request))
        {
            case TokenOutcome.TokenResponse response:
                await WriteAsync(request, response);
                break;
            case TokenOutcome.Refused refused:
                await refused.Error.WriteAsync(request);
                break;
            default:
                throw new InvalidOperationException("unknown token outcome");
        }
    }

    private async Task<TokenOutcome> DecideAsync(GatewayRequest request)
    {
        if (await SignInForm.ReadAsync(request) is not { } form)
        {
            return new TokenOutcome.Refused(OAuthError.InvalidRequest);
        }

        try
        {
            return form["grant_type"] switch
            {
                DeviceCodeGrantType => await deviceCode.RedeemAsync(request, form["device_code"]),
                RefreshTokenGrantType => await refreshToken.RedeemAsync(request, form["refresh_token"]),
                _ => new TokenOutcome.Refused(OAuthError.UnsupportedGrantType),
            };
        }
        catch (StoreUnavailableException)
        {
            return new TokenOutcome.Refused(OAuthError.TemporarilyUnavailable);
        }
    }

    private Task WriteAsync(GatewayRequest request, TokenOutcome.TokenResponse response) =>
        OAuthAnswers.WriteAsync(request, 200, json =>
    {
        json.WriteString("access_token", response.AccessToken.Token);
        if (response.RefreshToken is not null)
        {
            json.WriteString("refresh_token", response.RefreshToken);
        }

        json.WriteString("token_type", "Bearer");
        json.WriteNumber("expires_in", response.AccessToken.ExpiresIn);
        // A client that is told the address asks its user whether the account is theirs. On a developer's own machine
        // (http) nobody else can have signed it in, and the question would only be in the way.
        if (response.Email is not null && origin.IsHttps)
        {
            json.WriteString("email", response.Email);
        }
    });
}
