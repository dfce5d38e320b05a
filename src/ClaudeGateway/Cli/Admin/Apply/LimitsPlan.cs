using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary>One write: a limit that is new (no <paramref name="Before"/>), says something else, or goes (no
/// <paramref name="After"/>).</summary>
internal sealed record LimitChange(StoredLimit? Before, LimitState? After)
{
    /// <summary>What either side says of whom it is for.</summary>
    public LimitState Either => After ?? Before!.State;

    private string Sign => Before is null ? "+" : After is null ? "-" : "~";

    /// <summary>One line of a diff.</summary>
    public string Describe()
    {
        var text = new StringBuilder($"{Sign} {Terminal.Printable(Either.Name)}: ");
        if (Before is null || After is null)
        {
            return text.Append(Either.AmountText).Append(Either.Pool is null ? "" : $", {Either.PoolText}").ToString();
        }

        var before = Before.State;
        var parts = new List<string>();
        if (before.Amount != After.Amount)
        {
            parts.Add($"{before.AmountText} → {After.AmountText}");
        }

        if (before.Pool != After.Pool)
        {
            parts.Add($"{before.PoolText} → {After.PoolText}");
        }

        return text.AppendJoin(", ", parts).ToString();
    }

    public JsonObject ToJson() => new()
    {
        ["action"] = Before is null ? "create" : After is null ? "delete" : "update",
        ["before"] = Before?.State.ToJson(),
        ["after"] = After?.ToJson(),
    };
}

/// <summary>
/// What has to be written so that the limits of a gateway equal a file, in the order in which nobody is blocked between
/// two writes: exceptions of users first, then groups, then the organization; deletions last, the other way round.
/// </summary>
internal sealed record LimitsPlan(IReadOnlyList<LimitChange> Changes, int Unchanged)
{
    /// <summary>Whether nothing would be left.</summary>
    public bool DeletesEverything =>
        Unchanged == 0 && Changes.Count > 0 && Changes.All(change => change.After is null);

    /// <param name="wanted">No two for the same.</param>
    /// <param name="deletes">Of which scopes a limit goes that the file does not have.</param>
    public static LimitsPlan Of(
        IReadOnlyList<LimitState> wanted, IReadOnlyList<StoredLimit> stored, IReadOnlySet<SpendScopeType> deletes)
    {
        var there = stored.ToDictionary(limit => limit.State.Target);
        var named = wanted.Select(limit => limit.Target).ToHashSet();
        LimitChange[] writes =
        [
            .. wanted
                .Select(limit => new LimitChange(there.GetValueOrDefault(limit.Target), limit))
                .Where(change => change.Before?.State != change.After)
                .OrderBy(change => change.Either.Target.Scope.Type),
            .. stored
                .Where(limit => deletes.Contains(limit.State.Target.Scope.Type) && !named.Contains(limit.State.Target))
                .Select(limit => new LimitChange(limit, null))
                .OrderByDescending(change => change.Either.Target.Scope.Type),
        ];
        return new LimitsPlan(writes, stored.Count - writes.Count(change => change.Before is not null));
    }

    public string Write(ReportFormat format) => format switch
    {
        ReportFormat.Json or ReportFormat.Csv => Report.Write(
            [.. Changes.Select(change => JsonElement.Parse(change.ToJson().ToJsonString()))], Columns, format),
        _ => string.Concat(Changes.Select(change => change.Describe() + "\n")) + Summary() + "\n",
    };

    private static readonly IReadOnlyList<ReportColumn> Columns =
    [
        new("action", row => row.GetProperty("action").GetString()!),
        new("scope", row => Side(row).Target.Scope.TypeName),
        new("for", row => Side(row).Target.Scope.Id),
        new("period", row => Side(row).Target.Period.Name()),
        new("before", row => Text(row.GetProperty("before"))),
        new("after", row => Text(row.GetProperty("after"))),
    ];

    private string Summary()
    {
        var created = Changes.Count(change => change.Before is null);
        var deleted = Changes.Count(change => change.After is null);
        return Changes.Count == 0
            ? $"No difference: {Unchanged} limits are as the file has them."
            : $"{created} to create, {Changes.Count - created - deleted} to change, {deleted} to delete, {Unchanged} "
                + "unchanged.";
    }

    private static LimitState Side(JsonElement row) =>
        LimitState.Of(row.GetProperty("after") is { ValueKind: JsonValueKind.Object } after
            ? after : row.GetProperty("before"));

    private static string Text(JsonElement limit) =>
        limit.ValueKind == JsonValueKind.Object && LimitState.Of(limit) is var state
            ? state.AmountText + (state.Pool is null ? "" : $", {state.PoolText}") : "";
}
