using System.Net.Http.Headers;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials;

/// <summary>
/// Authorises telemetry exports with the same credential sources as upstreams use. Nothing is loaded before the first
/// export.
/// </summary>
internal sealed class CollectorCredentials(ProcessEnvironment environment, OutboundHttp outbound, TimeProvider clock)
{
    private readonly Lazy<CredentialHttp> _http = new(() => new CredentialHttp(outbound, clock));

    public AuthorizeExport For(CollectorAuth auth) => auth switch
    {
        CollectorAuth.Google google =>
            Bearer(new GoogleTokens(google.ServiceAccountJsonPath, environment, _http.Value, clock)),
        CollectorAuth.Aws aws =>
            Signature(
                new SigV4Signer(aws.Region!, aws.Service!),
                new CredentialCache<AwsCredentials>(
                    new AwsCredentialChain(environment, _http.Value).ResolveAsync, clock)),
        _ => throw new InvalidOperationException($"no credentials for {auth.GetType().Name}"),
    };

    private static AuthorizeExport Bearer(GoogleTokens tokens) => async (request, _, cancellation) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await tokens.GetAsync(cancellation));

    private AuthorizeExport Signature(SigV4Signer signer, CredentialCache<AwsCredentials> credentials) =>
        async (request, body, cancellation) =>
        signer.Sign(request, [body], await credentials.GetAsync(cancellation), clock.GetUtcNow());
}
