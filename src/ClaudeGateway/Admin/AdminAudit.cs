using ClaudeGateway.Logging;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Admin;

/// <summary>Audit events of the admin API (spec/spend.md).</summary>
internal static class AdminAudit
{
    /// <param name="reason">invalid_key, no_credentials or bearer_rejected.</param>
    public static void AdminDenied(this AuditLog audit, string reason, string method, string path, string clientIp)
    {
        var json = audit.Begin("admin.denied");
        json.WriteString("reason", reason);
        json.WriteString("method", method);
        json.WriteString("path", path);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }

    public static void AdminLimitUpsert(this AuditLog audit, string actor, SpendLimit? before, SpendLimit after)
    {
        var json = audit.Begin("admin.limit.upsert");
        json.WriteString("actor", actor);
        json.WriteString("target", after.Id);
        json.WriteString("scope_type", after.Scope.TypeName);
        json.WriteString("scope_id", after.Scope.Id);
        json.WriteString("period", after.Period.Name());
        SpendLimitJson.WriteCents(json, "amount", after.AmountCents);
        if (before is not null)
        {
            SpendLimitJson.WriteCents(json, "before_amount", before.AmountCents);
        }

        if (after.CanHavePool)
        {
            SpendLimitJson.WritePool(json, "pooled_budget", after.Pool);
            if (before is not null)
            {
                SpendLimitJson.WritePool(json, "before_pooled_budget", before.Pool);
            }
        }

        audit.End(json);
    }

    public static void AdminLimitDelete(this AuditLog audit, string actor, SpendLimit limit)
    {
        var json = audit.Begin("admin.limit.delete");
        json.WriteString("actor", actor);
        json.WriteString("target", limit.Id);
        json.WriteString("scope_type", limit.Scope.TypeName);
        json.WriteString("scope_id", limit.Scope.Id);
        json.WriteString("period", limit.Period.Name());
        audit.End(json);
    }

    /// <param name="actor">The administrator: <c>admin-key:id</c> or <c>oidc:sub</c>.</param>
    public static void AdminSignOut(this AuditLog audit, string requestId, string actor, string sub, string clientIp)
    {
        var json = audit.Begin("admin.sign_out", requestId);
        json.WriteString("actor", actor);
        json.WriteString("sub", sub);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }
}
