using ClaudeGateway.Config;

namespace ClaudeGateway.Credentials.Google;

/// <summary>Authorises requests to Google Cloud: by the configured access token, or one of the credential.</summary>
internal sealed class GoogleAuthorizer
{
    private readonly string? _accessToken;
    private readonly GoogleTokens? _tokens;

    /// <param name="upstreamName">For the warning about a credential file that cannot work.</param>
    public GoogleAuthorizer(GoogleAuth auth, string upstreamName, CloudContext context)
    {
        _accessToken = auth.AccessToken?.Reveal();
        if (_accessToken is null)
        {
            _tokens = new GoogleTokens(
                auth.ServiceAccountJsonPath, context.Environment, context.CredentialHttp, context.Clock);
            if (_tokens.FileProblem() is { } problem)
            {
                // Not fatal: the file may be mounted later, and another upstream may serve until then.
                context.Log.Warn($"upstream '{upstreamName}': {problem}; requests pass over it until that is mended");
            }
        }
    }

    /// <exception cref="UpstreamUnavailableException">There is no token.</exception>
    public async ValueTask AuthorizeAsync(HttpRequestMessage request, CancellationToken cancellation) =>
        request.Headers.TryAddWithoutValidation(
            "Authorization", "Bearer " + (_accessToken ?? await _tokens!.GetAsync(cancellation)));
}
