using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Logging;

/// <summary>Audit events of spend limits and of the admin API (spec/spend.md).</summary>
internal sealed partial class AuditLog
{
    /// <param name="source">Whose cap it is: user, rbac_group, organization or group_pool.</param>
    /// <param name="groups">The groups whose shared budgets are spent; null for a cap.</param>
    public void SpendBlocked(string requestId, string sub, long capCents, string source, string period, IReadOnlyList<string>? groups)
    {
        var json = Begin("spend.blocked");
        json.WriteString("request_id", requestId);
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

        End(json);
    }

    public void SpendStoreError(string requestId, string sub)
    {
        var json = Begin("spend.blocked");
        json.WriteString("request_id", requestId);
        json.WriteString("sub", sub);
        json.WriteString("cause", "store_error");
        End(json);
    }

    /// <summary>Ours: refused for the moment because of the developer's own requests in flight.</summary>
    public void SpendInFlight(string requestId, string sub)
    {
        var json = Begin("spend.blocked");
        json.WriteString("request_id", requestId);
        json.WriteString("sub", sub);
        json.WriteString("cause", "in_flight");
        End(json);
    }

    /// <param name="reason">invalid_key, no_credentials or bearer_rejected.</param>
    public void AdminDenied(string reason, string method, string path, string clientIp)
    {
        var json = Begin("admin.denied");
        json.WriteString("reason", reason);
        json.WriteString("method", method);
        json.WriteString("path", path);
        json.WriteString("client_ip", clientIp);
        End(json);
    }

    public void AdminLimitUpsert(string actor, SpendLimit? before, SpendLimit after)
    {
        var json = Begin("admin.limit.upsert");
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

        End(json);
    }

    public void AdminLimitDelete(string actor, SpendLimit limit)
    {
        var json = Begin("admin.limit.delete");
        json.WriteString("actor", actor);
        json.WriteString("target", limit.Id);
        json.WriteString("scope_type", limit.Scope.TypeName);
        json.WriteString("scope_id", limit.Scope.Id);
        json.WriteString("period", limit.Period.Name());
        End(json);
    }
}
