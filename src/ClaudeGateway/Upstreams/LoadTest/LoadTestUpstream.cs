using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Upstreams.LoadTest;

/// <summary>
/// Stands before a configured upstream in load-test mode: routing, translation and credentials work as usual, only the
/// request is never sent and the answer is canned.
/// </summary>
internal sealed class LoadTestUpstream(
    UpstreamConfig config, Upstream rehearsed, CannedReply reply, TimeSpan replyDuration,
    TimeProvider clock) : Upstream(config)
{
    public override string? BuiltInModelId(BuiltInModel model) => rehearsed.BuiltInModelId(model);

    public override TimeSpan? FirstByteTimeout(UpstreamCall call) => rehearsed.FirstByteTimeout(call);

    public override async Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        await rehearsed.RehearseAsync(call, modelId, cancellation);
        if (call.Operation == MessagesOperation.CountTokens)
        {
            return new WholeAnswer(this, null, 200, CannedReply.TokenCount());
        }

        return call.Message.IsStream
            ? new PacedAnswer(this, reply, replyDuration, clock)
            : new WholeAnswer(this, null, 200, reply.WholeMessage());
    }
}
