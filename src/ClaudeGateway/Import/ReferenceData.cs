using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Import;

/// <summary>A running total of the source, as it is named here: one developer's or one shared budget's.</summary>
internal readonly record struct SpendRowKey(CounterKey Key, SpendPeriod Period, int StartDay);

/// <summary>How much was spent by then; below zero counts as nothing.</summary>
internal readonly record struct ReferenceSpend(SpendRowKey Row, CounterKind Kind, Money Amount);

/// <summary>A developer as the source last saw him; with spend alone, nothing but his id.</summary>
internal sealed record ReferenceIdentity(string Sub, string? Email, string? Name, string[] Groups, long SeenAt);

/// <summary>One line of the source's trail; the caps in it are JSON.</summary>
internal sealed record ReferenceAudit(
    long Id,
    DateTimeOffset At,
    string Actor,
    string Action,
    string Target,
    string? Before,
    string? After,
    string? Reason);

/// <summary>Everything that is copied, as of one moment of the source.</summary>
/// <param name="Source">Names the source; see <see cref="ImportTables"/>.</param>
/// <param name="Limits">In the order they were made; <see cref="SpendLimit.Position"/> is not set.</param>
/// <param name="Negative">How many totals were below zero, which a defect of the source makes possible.</param>
/// <param name="Notes">What whoever imports should know of this source.</param>
internal sealed record ReferenceData(
    long Source,
    IReadOnlyList<SpendLimit> Limits,
    IReadOnlyList<ReferenceSpend> Spend,
    IReadOnlyList<ReferenceIdentity> Identities,
    IReadOnlyList<ReferenceAudit> Audit,
    int Negative,
    IReadOnlyList<string> Notes)
{
    public DateTimeOffset Since => DateTimeOffset.UnixEpoch.AddMicroseconds(Source);
}
