using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;

namespace ClaudeGateway.Upstreams;

/// <summary>Turns the <c>upstreams</c> section into upstreams, in its order.</summary>
internal static class UpstreamList
{
    public static IReadOnlyList<Upstream> Create(GatewayConfig config, OutboundHttp outbound, TimeProvider clock, OperationalLog log)
    {
        var http = outbound.CreateClient(new OutboundOptions());
        return [.. config.Upstreams.Select(upstream => Create(upstream, config.Timeouts, http, clock, log))];
    }

    private static Upstream Create(UpstreamConfig upstream, TimeoutsConfig timeouts, HttpMessageInvoker http, TimeProvider clock, OperationalLog log)
    {
        switch (upstream)
        {
            case AnthropicUpstreamConfig anthropic:
                return new AnthropicUpstream(anthropic, http, timeouts.UpstreamTtfb, clock);
            default:
                log.Warn($"upstream '{upstream.Name}': provider {upstream.Provider} is not in this build; requests pass over it");
                return new AbsentUpstream(upstream);
        }
    }
}
