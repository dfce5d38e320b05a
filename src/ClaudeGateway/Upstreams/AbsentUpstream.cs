using ClaudeGateway.Config;
using ClaudeGateway.Models;

namespace ClaudeGateway.Upstreams;

/// <summary>A configured provider that this build cannot speak to yet: requests pass over it to the next upstream.</summary>
internal sealed class AbsentUpstream(UpstreamConfig config) : Upstream(config)
{
    public override string BuiltInModelId(BuiltInModel model) => model.Id;

    public override TimeSpan? FirstByteTimeout(UpstreamCall call) => null;

    public override Task<UpstreamResponse> SendAsync(UpstreamCall call, string modelId, CancellationToken cancellation) =>
        Task.FromException<UpstreamResponse>(new UpstreamUnavailableException($"provider {Provider} is not in this build"));
}
