using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Spend;

/// <summary>Audit events of requests that spend limits refuse (spec/spend.md).</summary>
internal static class SpendAudit
{
    private static readonly EventCounter Blocked = new(
        "claude_gateway.spend.blocked", "{request}",
        "Messages refused by spend limits: by cause, and by whose limit it was and its period.",
        "claude_gateway.cause", "claude_gateway.limit.source", "claude_gateway.limit.period");

    /// <param name="source">Whose cap it is: user, rbac_group, organization or group_pool.</param>
    /// <param name="groups">The groups whose shared budgets are spent; null for a cap.</param>
    public static void SpendBlocked(
        this AuditLog audit,
        string requestId,
        string sub,
        long capCents,
        string source,
        string period,
        IReadOnlyList<string>? groups)
    {
        audit.Meter.Count(Blocked, "over_limit", source, period);
        var json = audit.Begin("spend.blocked", requestId);
        json.WriteString("sub", sub);
        json.WriteString("cause", "over_limit");
        json.WriteString("cap_cents", capCents.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteString("source", source);
        json.WriteString("period", period);
        if (groups is not null)
        {
            json.WriteStartArray("groups");
            foreach (var group in groups)
            {
                json.WriteStringValue(group);
            }

            json.WriteEndArray();
        }

        audit.End(json);
    }

    public static void SpendStoreError(this AuditLog audit, string requestId, string sub)
    {
        audit.Meter.Count(Blocked, "store_error", "none", "none");
        var json = audit.Begin("spend.blocked", requestId);
        json.WriteString("sub", sub);
        json.WriteString("cause", "store_error");
        audit.End(json);
    }

    /// <summary>Ours: refused for the moment because of the developer's own requests in flight.</summary>
    public static void SpendInFlight(this AuditLog audit, string requestId, string sub)
    {
        audit.Meter.Count(Blocked, "in_flight", "none", "none");
        var json = audit.Begin("spend.blocked", requestId);
        json.WriteString("sub", sub);
        json.WriteString("cause", "in_flight");
        audit.End(json);
    }
}
