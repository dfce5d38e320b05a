using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>What was spent so far in the day, week and month that contain <see cref="Day"/>.</summary>
internal readonly record struct SpendTotals(DateOnly Day, Money Daily, Money Weekly, Money Monthly)
{
    public Money this[SpendPeriod period] => period switch
    {
        SpendPeriod.Daily => Daily,
        SpendPeriod.Weekly => Weekly,
        _ => Monthly,
    };
}

/// <summary>A finite cap beside what was spent of it.</summary>
internal readonly record struct CapState(SpendLimit Limit, long CapCents, Money Spent, DateTimeOffset Reset)
{
    /// <summary>The share of a cap above which a client is warned, and the one above which it is critical.</summary>
    public const decimal WarningShare = 0.75m;
    public const decimal CriticalShare = 0.95m;

    public bool IsReached => Spent.Reaches(CapCents);

    /// <summary>Spent share of the cap, unrounded; 1 for a cap of 0.</summary>
    public decimal Share => Spent.ShareOf(CapCents);
}

/// <summary>How a developer stands against the caps that hold for him (spec/spend.md, Enforcement).</summary>
internal readonly record struct CapStanding(CapState? Daily, CapState? Weekly, CapState? Monthly)
{
    public static CapStanding Of(in EffectiveLimits limits, in SpendTotals totals) =>
        new(Cap(limits.Daily, totals), Cap(limits.Weekly, totals), Cap(limits.Monthly, totals));

    /// <summary>Of the caps that are reached the one that holds longest.</summary>
    public CapState? Reached
    {
        get
        {
            CapState? last = null;
            foreach (var cap in (ReadOnlySpan<CapState?>)[Daily, Weekly, Monthly])
            {
                last = cap is { IsReached: true } reached && (last is null || reached.Reset >= last.Value.Reset)
                    ? reached
                    : last;
            }

            return last;
        }
    }

    /// <summary>
    /// The cap that is spent furthest; of equals the one that resets last. Null without a finite cap.
    /// </summary>
    public CapState? Fullest
    {
        get
        {
            CapState? fullest = null;
            foreach (var cap in (ReadOnlySpan<CapState?>)[Daily, Weekly, Monthly])
            {
                if (cap is { } next
                    && (fullest is not { } best
                        || next.Share > best.Share
                        || (next.Share == best.Share && next.Reset >= best.Reset)))
                {
                    fullest = next;
                }
            }

            return fullest;
        }
    }

    private static CapState? Cap(SpendLimit? limit, in SpendTotals totals) =>
        limit?.AmountCents is { } cents
        ? new CapState(limit, cents, totals[limit.Period], limit.Period.Reset(totals.Day))
        : null;
}
