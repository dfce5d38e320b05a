using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Spend.Limits;

/// <summary>
/// A cap as JSON: for the admin API's answers and, without <c>type</c>, for the audit trail (spec/spend.md, POST and
/// GET /audit).
/// </summary>
internal static class SpendLimitJson
{

    public static string Snapshot(SpendLimit limit)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, JsonWriting.Plain))
        {
            json.WriteStartObject();
            json.WriteString("id", limit.Id);
            WriteScope(json, limit.Scope);
            WriteAmount(json, limit);
            json.WriteString("period", limit.Period.Name());
            json.WriteString("currency", "USD");
            json.WriteString("created_at", Time(limit.CreatedAt));
            json.WriteString("updated_at", Time(limit.UpdatedAt));
            if (limit.CanHavePool)
            {
                WritePool(json, "pooled_budget", limit.Pool);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <param name="poolSpend">What the group's budget has paid this month; only looked at when there is such a
    /// budget.</param>
    /// <param name="saysEnabled">Whether to say <c>is_enabled</c>: here every limit is.</param>
    public static void Write(Utf8JsonWriter json, SpendLimit limit, Money poolSpend, bool saysEnabled)
    {
        json.WriteStartObject();
        json.WriteString("type", "spend_limit");
        json.WriteString("id", limit.Id);
        json.WriteString("created_at", Time(limit.CreatedAt));
        json.WriteString("updated_at", Time(limit.UpdatedAt));
        WriteScope(json, limit.Scope);
        WriteAmount(json, limit);
        json.WriteString("currency", "USD");
        json.WriteString("period", limit.Period.Name());
        if (saysEnabled)
        {
            json.WriteBoolean("is_enabled", true);
        }

        if (limit is { CanHavePool: true, Pool.AmountCents: { } cents })
        {
            json.WriteStartObject("pooled_budget");
            json.WriteString("amount", Cents(cents));
            json.WriteBoolean("paused", limit.Pool.IsPaused);
            json.WriteString("currency", "USD");
            json.WriteString("period_to_date_spend", poolSpend.ToString());
            json.WriteEndObject();
        }
        else if (limit.CanHavePool)
        {
            json.WriteNull("pooled_budget");
        }

        json.WriteEndObject();
    }

    public static void WriteScope(Utf8JsonWriter json, SpendScope scope)
    {
        json.WriteStartObject("scope");
        json.WriteString("type", scope.TypeName);
        WriteScopeId(json, scope);
        json.WriteEndObject();
    }

    public static void WriteScopeId(Utf8JsonWriter json, SpendScope scope)
    {
        if (scope.Type != SpendScopeType.Organization)
        {
            json.WriteString(scope.Type == SpendScopeType.User ? "user_id" : "rbac_group_id", scope.Id);
        }
    }

    public static void WriteCents(Utf8JsonWriter json, string name, long? cents)
    {
        if (cents is { } amount)
        {
            json.WriteString(name, Cents(amount));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>The short form of audit rows and events: amount and pause, or null.</summary>
    public static void WritePool(Utf8JsonWriter json, string name, PooledBudget? pool)
    {
        if (pool?.AmountCents is { } cents)
        {
            json.WriteStartObject(name);
            json.WriteString("amount", Cents(cents));
            json.WriteBoolean("paused", pool.IsPaused);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull(name);
        }
    }

    public static string Time(DateTimeOffset time) => Rfc3339.Milliseconds(time);

    private static void WriteAmount(Utf8JsonWriter json, SpendLimit limit) =>
        WriteCents(json, "amount", limit.AmountCents);

    private static string Cents(long cents) => cents.ToString(CultureInfo.InvariantCulture);
}
