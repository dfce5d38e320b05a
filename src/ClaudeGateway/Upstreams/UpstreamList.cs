using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.LoadTest;

namespace ClaudeGateway.Upstreams;

/// <summary>Turns the <c>upstreams</c> section into upstreams, in its order.</summary>
internal static class UpstreamList
{
    public static IReadOnlyList<Upstream> Create(
        GatewayConfig config,
        OutboundHttp outbound,
        ProcessEnvironment environment,
        TimeProvider clock,
        OperationalLog log)
    {
        var http = outbound.CreateClient(new OutboundOptions());
        var clouds = new CloudContext(
            outbound.CreateClient(new OutboundOptions { ProxiedNames = ProxiedNames.Unresolved }),
            new CredentialHttp(outbound, clock),
            environment,
            config.Timeouts.UpstreamTtfbIsSet ? config.Timeouts.UpstreamTtfb : null,
            clock,
            log);
        var rehearsal = Rehearsal(config.LoadTestMode, clock);
        return
        [
            .. config.Upstreams.Select(upstream => rehearsal(
                upstream,
                upstream is AnthropicUpstreamConfig anthropic
                ? new AnthropicUpstream(anthropic, http, config.Timeouts.UpstreamTtfb, clock, log)
                : Create(upstream, clouds))),
        ];
    }

    /// <summary>In load-test mode every upstream is replaced by one that sends nothing.</summary>
    private static Func<UpstreamConfig, Upstream, Upstream> Rehearsal(LoadTestModeConfig? mode, TimeProvider clock)
    {
        if (mode is not { Enabled: true })
        {
            return static (_, upstream) => upstream;
        }

        var reply = new CannedReply(mode.ReplyTokens, mode.ReportUsage);
        return (config, upstream) => new LoadTestUpstream(config, upstream, reply, mode.ReplyDuration, clock);
    }

    /// <summary>A cloud's upstream.</summary>
    public static Upstream Create(UpstreamConfig upstream, CloudContext clouds) => upstream switch
    {
        BedrockUpstreamConfig bedrock => new BedrockUpstream(bedrock, clouds),
        MantleUpstreamConfig mantle => new MantleUpstream(mantle, clouds),
        ClaudePlatformAwsUpstreamConfig platform => new ClaudePlatformAwsUpstream(platform, clouds),
        ClaudeOnGoogleCloudUpstreamConfig google => new ClaudeOnGoogleCloudUpstream(google, clouds),
        VertexUpstreamConfig vertex => new VertexUpstream(vertex, clouds),
        FoundryUpstreamConfig foundry => new FoundryUpstream(foundry, clouds),
        _ => throw new InvalidOperationException($"no upstream for provider {upstream.Provider}"),
    };
}
