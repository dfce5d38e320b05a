using System.Globalization;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Import;

/// <summary>What becomes of one cap of the source.</summary>
internal enum LimitOutcome
{
    New,
    Equal,

    /// <summary>The source changed it since the last import and nobody did here: it is taken over.</summary>
    Changed,

    /// <summary>It is another one here: kept as it is here.</summary>
    Kept,

    /// <summary>It was imported before and deleted here: it stays deleted.</summary>
    KeptDeleted,

    /// <summary>It is another one here, or deleted: the source's is taken because that was asked for.</summary>
    Overwritten,
}

/// <summary>A cap of the source beside the one of the same scope and period here, if there is any.</summary>
internal sealed record LimitStep(SpendLimit There, SpendLimit? Here, LimitOutcome Outcome)
{
    public bool Writes => Outcome is LimitOutcome.New or LimitOutcome.Changed or LimitOutcome.Overwritten;
}

/// <summary>What becomes of the totals of one kind and period. Sums are billionths of a cent.</summary>
/// <param name="Total">What the source has.</param>
/// <param name="Shrunk">Totals that were larger at an earlier import; what was imported stays.</param>
/// <param name="ToAdd">What this import adds.</param>
internal readonly record struct SpendStep(int New, int Grown, int Equal, int Shrunk, decimal Total, decimal ToAdd)
{
    public int Count => New + Grown + Equal + Shrunk;
}

/// <summary>A total that is to grow here by so much; by nothing where there only has to be one.</summary>
internal readonly record struct SpendAddition(SpendRowKey Row, long NanoCents);

/// <summary>All spend of the source beside what was imported from it before.</summary>
/// <param name="Imported">Billionths of a cent that will have been imported from this source, of all times.</param>
internal sealed record SpendPlan(
    IReadOnlyDictionary<(CounterKind Kind, SpendPeriod Period), SpendStep> Steps,
    IReadOnlyList<SpendAddition> Additions,
    decimal Imported);

/// <summary>What becomes of the people: those known better here are left as they are.</summary>
internal sealed record IdentityPlan(
    IReadOnlyList<ReferenceIdentity> New, IReadOnlyList<ReferenceIdentity> Newer, int Equal, int NewerHere);

/// <summary>What an import does, or did.</summary>
/// <param name="Audit">Lines of the source's trail that are not here yet.</param>
/// <param name="GoneThere">Caps that were imported before and that the source has no more; they stay here.</param>
internal sealed record ImportPlan(
    IReadOnlyList<LimitStep> Limits,
    int GoneThere,
    SpendPlan Spend,
    IdentityPlan Identities,
    IReadOnlyList<ReferenceAudit> Audit)
{
    /// <summary>Null before it has been applied.</summary>
    public ImportProof? Proof { get; init; }

    /// <param name="here">Every cap here.</param>
    /// <param name="imported">By the source's ids, what each cap was at its last import.</param>
    /// <exception cref="OperatorException">An id of the source belongs to another cap here.</exception>
    public static List<LimitStep> ForLimits(
        ReferenceData data,
        IReadOnlyList<SpendLimit> here,
        IReadOnlyDictionary<string, string> imported,
        bool overwrite)
    {
        var byScope = here.ToDictionary(limit => (limit.Scope, limit.Period));
        var byId = here.ToDictionary(limit => limit.Id, StringComparer.Ordinal);
        return
        [
            .. data.Limits.Select(there =>
            {
                if (byId.TryGetValue(there.Id, out var same)
                    && (same.Scope, same.Period) != (there.Scope, there.Period))
                {
                    throw new OperatorException($"the source's limit {there.Id} is of another scope or period here");
                }

                var found = byScope.GetValueOrDefault((there.Scope, there.Period));
                return new LimitStep(there, found, Outcome(there, found));
            })];

        LimitOutcome Outcome(SpendLimit there, SpendLimit? found)
        {
            var wasImported = imported.TryGetValue(there.Id, out var before);
            if (found is null)
            {
                return !wasImported ? LimitOutcome.New
                    : overwrite ? LimitOutcome.Overwritten : LimitOutcome.KeptDeleted;
            }

            return Value(found) == Value(there) ? LimitOutcome.Equal
                : before == Value(found) ? LimitOutcome.Changed
                : overwrite ? LimitOutcome.Overwritten : LimitOutcome.Kept;
        }
    }

    /// <summary>What makes a cap another one, as <c>gw_import_limit</c> keeps it.</summary>
    public static string Value(SpendLimit limit) => string.Create(
        CultureInfo.InvariantCulture,
        $"{limit.AmountCents},{limit.Pool?.AmountCents},{(limit.Pool?.AmountCents is null ? null : limit.Pool.IsPaused)}");

    /// <param name="imported">How much of each total was imported from this source before.</param>
    public static SpendPlan ForSpend(ReferenceData data, IReadOnlyDictionary<SpendRowKey, long> imported)
    {
        var steps = new Dictionary<(CounterKind, SpendPeriod), SpendStep>();
        var additions = new List<SpendAddition>();
        foreach (var (row, kind, amount) in data.Spend)
        {
            var isKnown = imported.TryGetValue(row, out var before);
            var toAdd = Math.Max(0, amount.NanoCents - before);
            if (!isKnown || toAdd > 0)
            {
                additions.Add(new SpendAddition(row, toAdd));
            }

            var step = steps.GetValueOrDefault((kind, row.Period));
            step = !isKnown ? step with { New = step.New + 1 }
                : toAdd > 0 ? step with { Grown = step.Grown + 1 }
                : amount.NanoCents == before ? step with { Equal = step.Equal + 1 }
                : step with { Shrunk = step.Shrunk + 1 };
            steps[(kind, row.Period)] = step with
            {
                Total = step.Total + amount.NanoCents,
                ToAdd = step.ToAdd + toAdd,
            };
        }

        var whole = imported.Values.Sum(amount => (decimal)amount) + additions.Sum(row => (decimal)row.NanoCents);
        return new SpendPlan(steps, additions, whole);
    }

    /// <param name="here">By sub, how everybody was last seen here.</param>
    public static IdentityPlan ForIdentities(
        ReferenceData data, IReadOnlyDictionary<string, ReferenceIdentity> here)
    {
        var plan = data.Identities.ToLookup(there => here.TryGetValue(there.Sub, out var found)
            ? there.SeenAt.CompareTo(found.SeenAt) : 2);
        return new IdentityPlan([.. plan[2]], [.. plan[1]], plan[0].Count(), plan[-1].Count());
    }
}

/// <summary>What was found in the database before the import was committed. Billionths of a cent.</summary>
/// <param name="Before">What the totals that grew held, together, before.</param>
/// <param name="Added">By how much they are larger now.</param>
/// <param name="Imported">What <c>gw_import_spend</c> holds of this source.</param>
internal sealed record ImportProof(decimal Before, decimal Added, decimal Imported);
