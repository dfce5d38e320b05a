using ClaudeGateway.Instrumentation;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Http;

/// <summary>Audit events of requests that are refused before a feature sees them (spec/auth.md).</summary>
internal static class AccessAudit
{
    private static readonly EventCounter Refused = new(
        "claude_gateway.requests.refused", "{request}",
        "Requests refused before a feature saw them: without a valid bearer (401), or by access control (403).",
        "claude_gateway.reason");

    public static void AuthDenied(this AuditLog audit, string requestId, string reason, string path, string clientIp)
    {
        audit.Meter.Count(Refused, reason);
        var json = audit.Begin("auth.denied", requestId);
        json.WriteString("reason", reason);
        json.WriteString("path", path);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }

    /// <param name="xffHop">The X-Forwarded-For entry that could not be read, or null.</param>
    public static void AccessDenied(
        this AuditLog audit, string requestId, string reason, string clientIp, string? xffHop)
    {
        audit.Meter.Count(Refused, reason);
        var json = audit.Begin("access.denied", requestId);
        json.WriteString("reason", reason);
        json.WriteString("client_ip", clientIp);
        json.WriteOptional("xff_hop", xffHop);
        audit.End(json);
    }

    public static void PublicClient(this AuditLog audit, string requestId, string clientIp)
    {
        var json = audit.Begin("access.public_client", requestId);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }
}
