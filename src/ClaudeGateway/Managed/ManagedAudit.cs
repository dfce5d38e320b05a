using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Managed;

/// <summary>Audit events of managed settings and of Claude Desktop's configuration (spec/policy.md).</summary>
internal static class ManagedAudit
{
    /// <param name="policyIndexes">Every policy that took part, when several were joined; else null.</param>
    public static void ManagedServe(
        this AuditLog audit,
        string requestId,
        Principal principal,
        int policyIndex,
        IReadOnlyList<int>? policyIndexes,
        string checksum)
    {
        var json = audit.Begin("managed.serve", requestId);
        WriteSubject(json, principal);
        WritePolicies(json, policyIndex, policyIndexes);
        json.WriteString("checksum", checksum);
        audit.End(json);
    }

    public static void DesktopBootstrapServe(
        this AuditLog audit, string requestId, Principal principal, int policyIndex, IReadOnlyList<int>? policyIndexes)
    {
        var json = audit.Begin("desktop_bootstrap.serve", requestId);
        WriteSubject(json, principal);
        WritePolicies(json, policyIndex, policyIndexes);
        audit.End(json);
    }

    /// <param name="reason"><c>not_configured</c>, <c>no_policy_matched</c> or <c>policy_not_opted_in</c>.</param>
    public static void DesktopBootstrapDenied(this AuditLog audit, string requestId, string reason, Principal principal)
    {
        var json = audit.Begin("desktop_bootstrap.denied", requestId);
        json.WriteString("reason", reason);
        WriteSubject(json, principal);
        audit.End(json);
    }

    private static void WriteSubject(Utf8JsonWriter json, Principal principal)
    {
        json.WriteString("sub", principal.Sub);
        json.WriteOptional("email", principal.Email);
    }

    private static void WritePolicies(Utf8JsonWriter json, int index, IReadOnlyList<int>? indexes)
    {
        json.WriteNumber("policy_index", index);
        if (indexes is null)
        {
            return;
        }

        json.WriteStartArray("policy_indexes");
        foreach (var one in indexes)
        {
            json.WriteNumberValue(one);
        }

        json.WriteEndArray();
    }
}
