using System.Net;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Http;

/// <summary>One request as every feature sees it: the connection, its id and the client's address.</summary>
internal sealed class GatewayRequest(HttpContext http, string id, IPAddress clientAddress, long startedAt)
{
    public HttpContext Http { get; } = http;

    /// <summary>Sent as x-request-id, and as request_id in error bodies and audit events.</summary>
    public string Id { get; } = id;

    /// <summary>The client, X-Forwarded-For of trusted proxies considered; IPv4-mapped IPv6 is IPv4.</summary>
    public IPAddress ClientAddress { get; } = clientAddress;

    /// <summary><see cref="TimeProvider.GetTimestamp"/> at arrival.</summary>
    public long StartedAt { get; } = startedAt;

    public string Path => Http.Request.Path.Value ?? "";

    public CancellationToken Aborted => Http.RequestAborted;
}
