using System.Text.Json;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Logging;

/// <content>Events of managed settings and of Claude Desktop's configuration (spec/policy.md).</content>
internal sealed partial class AuditLog
{
    /// <param name="policyIndexes">Every policy that took part, when several were joined; else null.</param>
    public void ManagedServe(string requestId, Principal principal, int policyIndex, IReadOnlyList<int>? policyIndexes, string checksum)
    {
        var json = Begin("managed.serve");
        json.WriteString("request_id", requestId);
        WriteSubject(json, principal);
        WritePolicies(json, policyIndex, policyIndexes);
        json.WriteString("checksum", checksum);
        End(json);
    }

    public void DesktopBootstrapServe(string requestId, Principal principal, int policyIndex, IReadOnlyList<int>? policyIndexes)
    {
        var json = Begin("desktop_bootstrap.serve");
        json.WriteString("request_id", requestId);
        WriteSubject(json, principal);
        WritePolicies(json, policyIndex, policyIndexes);
        End(json);
    }

    /// <param name="reason"><c>not_configured</c>, <c>no_policy_matched</c> or <c>policy_not_opted_in</c>.</param>
    public void DesktopBootstrapDenied(string requestId, string reason, Principal principal)
    {
        var json = Begin("desktop_bootstrap.denied");
        json.WriteString("request_id", requestId);
        json.WriteString("reason", reason);
        WriteSubject(json, principal);
        End(json);
    }

    private static void WriteSubject(Utf8JsonWriter json, Principal principal)
    {
        json.WriteString("sub", principal.Sub);
        if (principal.Email is not null)
        {
            json.WriteString("email", principal.Email);
        }
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
