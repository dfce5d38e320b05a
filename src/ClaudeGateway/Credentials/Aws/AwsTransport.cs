using System.Diagnostics.CodeAnalysis;
using Amazon.Runtime;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Gives the AWS SDK our own connections: proxy, authorities and guard are those of every other request.
/// </summary>
/// <param name="http">Asked for each client the SDK makes.</param>
internal sealed class AwsTransport(Func<CredentialHttp> http) : HttpClientFactory
{
    [SuppressMessage("ApiDesign", "RS0030:Do not use banned APIs",
        Justification = "The SDK takes nothing else; its handler is the guarded one.")]
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(http().CreateHandler(), disposeHandler: true);

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => true;
}
