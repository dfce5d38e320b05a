using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams.Adapting;

/// <summary>The audit event of a request that was sent again without what the upstream refused.</summary>
internal static class AdaptationAudit
{
    /// <summary>The names come from clients: no event grows with them.</summary>
    private const int MaxNames = 16;
    private const int MaxNameLength = 128;

    public static void Adapted(
        this AuditLog audit, string requestId, Principal principal, RequestAdaptation adaptation)
    {
        var json = audit.Begin("upstream.adapted", requestId);
        json.WriteString("sub", principal.Sub);
        json.WriteOptional("email", principal.Email);
        json.WriteString("upstream", adaptation.Upstream);
        json.WriteString("upstream_model", adaptation.Model);
        Write(json, "without_betas", adaptation.Betas);
        Write(json, "without_fields", adaptation.Fields);
        if (adaptation.LearntBeta is { } learnt)
        {
            json.WriteString("refused_beta", Shorten(learnt));
        }

        if (adaptation.Status is { } status)
        {
            json.WriteNumber("status", status);
        }
        else
        {
            json.WriteNull("status");
        }

        audit.End(json);
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<string> names)
    {
        json.WriteStartArray(name);
        foreach (var one in names.Take(MaxNames))
        {
            json.WriteStringValue(Shorten(one));
        }

        json.WriteEndArray();
    }

    private static string Shorten(string name) => name.Length > MaxNameLength ? name[..MaxNameLength] + "…" : name;
}
