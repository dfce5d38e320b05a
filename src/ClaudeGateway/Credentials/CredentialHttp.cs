using System.Net;
using System.Text;
using ClaudeGateway.Net;
using ClaudeGateway.Outbound;

namespace ClaudeGateway.Credentials;

/// <summary>
/// How credentials are fetched: from the platform's own credential services (link-local, never through a proxy) and
/// from public token endpoints (guarded, through the proxy). Also the transport of the clouds' libraries.
/// </summary>
internal sealed class CredentialHttp(OutboundHttp outbound, TimeProvider clock)
{
    private const int MaxAnswerBytes = 64 * 1024;

    private readonly HttpMessageInvoker _public = outbound.CreateClient(new OutboundOptions
    {
        ProxiedNames = ProxiedNames.Unresolved,
    });
    private readonly HttpMessageInvoker _platform = outbound.CreateClient(new OutboundOptions
    {
        ReachesMetadataServices = true,
        ConnectTimeout = TimeSpan.FromSeconds(2),
    });

    /// <summary>Of the timeouts with which credentials are asked for.</summary>
    public TimeProvider Clock => clock;

    /// <summary>
    /// What a library sends its requests with: each goes to the platform or the public by its address.
    /// </summary>
    public HttpMessageHandler CreateHandler() => new RoutingHandler(this);

    /// <summary>Asks a platform service whose address the environment gives.</summary>
    /// <exception cref="UpstreamUnavailableException">It refused or did not answer.</exception>
    public async Task<string> AskPlatformAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using var response = await _platform.SendAsync(request, cancellation);
            var text = await ReadTextAsync(response, cancellation);
            return response.IsSuccessStatusCode
                ? text
                : throw new UpstreamUnavailableException(
                    $"{request.RequestUri?.GetLeftPart(UriPartial.Path)} answered {(int)response.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new UpstreamUnavailableException(
                $"{request.RequestUri?.GetLeftPart(UriPartial.Path)}: {e.Message}", e);
        }
    }

    private static async Task<string> ReadTextAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[MaxAnswerBytes];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private sealed class RoutingHandler(CredentialHttp http) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Version = HttpVersion.Version11;
            return Choose(request.RequestUri!).SendAsync(request, cancellationToken);
        }

        /// <summary>
        /// Libraries ask metadata services under names and addresses of their own, and App Service under a loopback
        /// one.
        /// </summary>
        private HttpMessageInvoker Choose(Uri uri) =>
            uri.Scheme == Uri.UriSchemeHttp
            && (AddressRules.RefusesHost(uri) is not null || AddressRules.IsLoopbackHost(uri.IdnHost))
            ? http._platform
            : http._public;
    }
}
