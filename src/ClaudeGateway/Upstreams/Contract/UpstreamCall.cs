using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>Which operation of the Messages API a request asks for.</summary>
internal enum MessagesOperation
{
    CreateMessage,
    CountTokens,
}

/// <summary>One client request on its way to upstreams; the same for every upstream tried.</summary>
/// <param name="StripTags">Whether <c>tags</c> and their beta value stay with the gateway
/// (<c>admin.billing_group_tag</c>).</param>
internal sealed record UpstreamCall(
    GatewayRequest Request,
    Principal Principal,
    MessagesRequest Message,
    MessagesOperation Operation,
    bool StripTags)
{
    /// <summary>The content codings upstreams are asked for; empty when the client named none.</summary>
    public StringValues AcceptEncoding { get; init; }

    /// <summary>Whether the answer is asked for as a stream of events.</summary>
    public bool IsStreamed => Operation == MessagesOperation.CreateMessage && Message.IsStream;

    /// <summary>The client's beta values, or what is left of them for the upstream that is being asked.</summary>
    public RequestBetas Betas { get; init; } = RequestBetas.Read(Request.Http.Request.Headers);

    /// <summary>
    /// Whether the upstream that is being asked has all of the request, so that it may be at work; not after it has
    /// refused.
    /// </summary>
    public bool IsSent { get => _progress.IsSent; set => _progress.IsSent = value; }

    /// <summary>Cancelled when nobody waits for the answer any more, where several do; null where one does.</summary>
    public CancellationToken? SharedAbort { get; init; }

    /// <summary>Cancelled when the answer is of no use any more.</summary>
    public CancellationToken Aborted => SharedAbort ?? Request.Aborted;

    /// <summary>How upstreams were asked again, for the audit; null when none was.</summary>
    public List<RequestAdaptation>? Adaptations => _progress.Adaptations;

    /// <summary>Notes that an upstream was asked again.</summary>
    public void Add(RequestAdaptation adaptation) => (_progress.Adaptations ??= []).Add(adaptation);

    /// <summary>One for the call and the forms of it that upstreams are sent, which are copies.</summary>
    private readonly Progress _progress = new();

    private sealed class Progress
    {
        public bool IsSent { get; set; }

        public List<RequestAdaptation>? Adaptations { get; set; }
    }
}
