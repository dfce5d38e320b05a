using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>
/// CLAUDE_GATEWAY_PROXY_IS_EGRESS_BOUNDARY (spec/newer.md, proxy-only egress): the operator states that the proxy alone
/// decides what can be reached, so the gateway stops resolving names itself.
/// </summary>
internal static class EgressBoundary
{
    private const string Variable = "CLAUDE_GATEWAY_PROXY_IS_EGRESS_BOUNDARY";
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(3);
    private static readonly Uri MetadataProbe = new("http://169.254.169.254/");

    /// <summary>
    /// Whether the statement can hold; where it cannot it is ignored, with a warning that names the reason.
    /// </summary>
    public static bool IsInForce(ProcessEnvironment environment, EnvironmentProxy proxy, OperationalLog log)
    {
        if (!ProcessEnvironment.IsTrue(environment[Variable]))
        {
            return false;
        }

        var obstacle = !proxy.IsConfigured ? "no proxy is configured (set HTTPS_PROXY)"
            : proxy.HasExceptions ? "NO_PROXY is set, so some traffic goes past the proxy"
            : environment.AllowLoopback ? "CLAUDE_GATEWAY_ALLOW_LOOPBACK is on"
            : null;
        if (obstacle is not null)
        {
            log.Warn($"{Variable} is ignored: {obstacle}");
            return false;
        }

        log.Info("network: proxy is the egress boundary; host names are resolved by it, not by the gateway");
        return true;
    }

    /// <summary>
    /// Asks the proxy for the cloud metadata address: an answer means that the boundary does not hold what it promises.
    /// </summary>
    public static async Task WarnIfMetadataIsReachableAsync(
        EnvironmentProxy proxy, OperationalLog log, TimeProvider clock)
    {
#pragma warning disable RS0030 // The probe of the boundary must not pass the guard.
        using var handler = new SocketsHttpHandler { Proxy = proxy, AllowAutoRedirect = false, UseCookies = false };
#pragma warning restore RS0030
#pragma warning disable RS0030 // As above.
        using var client = new HttpMessageInvoker(handler);
#pragma warning restore RS0030
        using var timeout = new CancellationTokenSource(ProbeTimeout, clock);
        using var request = new HttpRequestMessage(HttpMethod.Get, MetadataProbe);
        try
        {
            using var response = await client.SendAsync(request, timeout.Token);
            if ((int)response.StatusCode < 400)
            {
                log.Warn(
                    $"{Variable}: the proxy answers for 169.254.169.254, the cloud metadata address; block it there");
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // Refused or silent: that is what the boundary should do.
        }
    }
}
