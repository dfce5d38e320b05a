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

    public string Path { get; } = http.Request.Path.Value ?? "";

    /// <summary>The route that serves it; null until one has been found, or when there is none.</summary>
    public Route? Route { get; set; }

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>Whether <see cref="BreakOff"/> was called.</summary>
    public bool IsBrokenOff { get; private set; }

    /// <summary>
    /// The answer cannot be finished: what has been written is still sent, then the connection is reset without the end
    /// the client waits for, so that it does not take a truncated answer for a complete one.
    /// </summary>
    public void BreakOff()
    {
        if (Http.Response.HasStarted && !HttpProtocol.IsHttp10(Http.Request.Protocol))
        {
            IsBrokenOff = true;
            return;
        }

        // For HTTP/1.0 the close itself is the end of the answer; only a reset says otherwise.
        Http.Abort();
    }
}
