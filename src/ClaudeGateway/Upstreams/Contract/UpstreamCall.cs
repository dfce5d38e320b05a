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
    /// <summary>The content codings upstreams are asked for; the client's own unless something else is given.</summary>
    public StringValues AcceptEncoding { get; init; } = Request.Http.Request.Headers.AcceptEncoding;

    /// <summary>The client's beta values.</summary>
    public RequestBetas Betas { get; } = RequestBetas.Read(Request.Http.Request.Headers);

    /// <summary>
    /// Whether the upstream that is being asked has all of the request, so that it may be at work; not after it has
    /// refused.
    /// </summary>
    public bool IsSent { get; set; }
}
