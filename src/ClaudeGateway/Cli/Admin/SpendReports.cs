using System.Globalization;
using System.Text.Json;

namespace ClaudeGateway.Cli.Admin;

/// <summary>Which columns each report has. Money is shown in dollars, whatever the API counts in.</summary>
internal static class SpendReports
{
    public static readonly IReadOnlyList<ReportColumn> Limits =
    [
        new("id", row => Text(row, "id")),
        new("scope", row => Text(row.GetProperty("scope"), "type")),
        new("for", row => ScopeId(row.GetProperty("scope"))),
        new("period", row => Text(row, "period")),
        new("limit", row => Dollars(row, "amount", "unlimited"), IsNumber: true),
        new(
            "budget",
            row =>
                Pool(row) is { } pool
                ? Dollars(pool, "amount", "") + (pool.GetProperty("paused").GetBoolean() ? " paused" : "")
                : "",
            IsNumber: true),
        new(
            "budget spent",
            row => Pool(row) is { } pool ? Dollars(pool, "period_to_date_spend", "") : "",
            IsNumber: true),
        new("updated", row => Text(row, "updated_at")),
    ];

    public static readonly IReadOnlyList<ReportColumn> Spend =
    [
        new("user", row => Text(row.GetProperty("scope"), "user_id")),
        new("email", row => Text(row.GetProperty("actor"), "email_address")),
        new(
            "groups",
            row => string.Join(' ', row.GetProperty("groups").EnumerateArray().Select(group => group.GetString()))),
        new("period", row => Text(row, "period")),
        new("spent", row => Dollars(row, "period_to_date_spend", ""), IsNumber: true),
        new(
            "limit",
            row => row.GetProperty("source").ValueKind == JsonValueKind.Null ? "" : Dollars(row, "amount", "unlimited"),
            IsNumber: true),
        new("used", Share, IsNumber: true),
        new(
            "limit of",
            row =>
                row.GetProperty("source") is { ValueKind: JsonValueKind.Object } source
                ? $"{Text(source, "type")} {ScopeId(source)}".TrimEnd()
                : ""),
    ];

    public static readonly IReadOnlyList<ReportColumn> Audit =
    [
        new("id", row => Text(row, "id"), IsNumber: true),
        new("time", row => Text(row, "created_at")),
        new("actor", row => Text(row, "actor")),
        new("action", row => Text(row, "action")),
        new(
            "scope",
            row =>
                Cap(row) is { } cap
                ? $"{Text(cap.GetProperty("scope"), "type")} {ScopeId(cap.GetProperty("scope"))}".TrimEnd()
                : ""),
        new("period", row => Cap(row) is { } cap ? Text(cap, "period") : ""),
        new("before", row => Amount(row.GetProperty("before")), IsNumber: true),
        new("after", row => Amount(row.GetProperty("after")), IsNumber: true),
    ];

    private static string Amount(JsonElement cap) =>
        cap.ValueKind == JsonValueKind.Object ? Dollars(cap, "amount", "unlimited") : "";

    private static JsonElement? Cap(JsonElement row) =>
        row.GetProperty("after") is { ValueKind: JsonValueKind.Object } after ? after
        : row.GetProperty("before") is { ValueKind: JsonValueKind.Object } before ? before
        : null;

    private static JsonElement? Pool(JsonElement limit) =>
        limit.TryGetProperty("pooled_budget", out var pool) && pool.ValueKind == JsonValueKind.Object ? pool : null;

    private static string ScopeId(JsonElement scope) =>
        scope.TryGetProperty("user_id", out var user) ? user.GetString()!
        : scope.TryGetProperty("rbac_group_id", out var group) ? group.GetString()!
        : "";

    private static string Share(JsonElement row)
    {
        if (Cents(row, "amount") is not { } cap || Cents(row, "period_to_date_spend") is not { } spent)
        {
            return "";
        }

        return cap == 0 ? "100%" : (spent / cap).ToString("0%", CultureInfo.InvariantCulture);
    }

    private static string Dollars(JsonElement row, string name, string otherwise) =>
        Cents(row, name) is { } cents ? (cents / 100).ToString("0.00###", CultureInfo.InvariantCulture) : otherwise;

    private static decimal? Cents(JsonElement row, string name) =>
        decimal.TryParse(Text(row, name), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cents)
        ? cents
        : null;

    private static string Text(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
