using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Admin;

/// <summary>The trail of changes of caps, newest first (spec/spend.md, GET /audit).</summary>
internal sealed class AuditEndpoint(SpendLimitStore store)
{
    private const int DefaultLimit = 100;

    public async Task HandleAsync(AdminRequest request)
    {
        var query = request.Http.Query;
        if (query.Limit(DefaultLimit) is not { } limit)
        {
            await request.InvalidAsync(AdminQuery.LimitProblem);
            return;
        }

        long? before = null;
        if (query.First("after_id") is { } text)
        {
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                await request.InvalidAsync("after_id: must be an audit event id");
                return;
            }

            before = id;
        }

        var found = await store.ListAuditAsync(before, limit + 1);
        await request.OkAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var entry in found.Take(limit))
            {
                Write(json, entry);
            }

            json.WriteEndArray();
            json.WriteBoolean("has_more", found.Count > limit);
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, SpendAuditEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("type", "audit_event");
        json.WriteString("id", entry.Id.ToString(CultureInfo.InvariantCulture));
        json.WriteString("created_at", SpendLimitJson.Time(entry.CreatedAt));
        json.WriteString("actor", entry.Actor);
        json.WriteString("action", entry.Action);
        json.WriteString("target_id", entry.TargetId);
        WriteSnapshot(json, "before", entry.Before);
        WriteSnapshot(json, "after", entry.After);
        json.WriteString("reason", entry.Reason);
        json.WriteEndObject();
    }

    private static void WriteSnapshot(Utf8JsonWriter json, string name, string? snapshot)
    {
        json.WritePropertyName(name);
        if (snapshot is null)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteRawValue(snapshot);
        }
    }
}
