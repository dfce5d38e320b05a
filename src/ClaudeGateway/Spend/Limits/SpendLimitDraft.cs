namespace ClaudeGateway.Spend.Limits;

/// <summary>The shared budget as a request words it: what is null is not mentioned.</summary>
/// <param name="ClearsAmount">The request gives the amount as null.</param>
internal sealed record PooledBudgetDraft(long? AmountCents, bool ClearsAmount, bool? IsPaused)
{
    public bool SetsAnything => AmountCents is not null || ClearsAmount || IsPaused is not null;
}

/// <summary>
/// A cap as POST asks for it, before it meets the stored one (spec/spend.md, POST and pooled_budget).
/// </summary>
/// <param name="HasAmount">False when the request leaves the amount out.</param>
/// <param name="Pool">Null when the request has no such object.</param>
internal sealed record SpendLimitDraft(
    SpendScope Scope, SpendPeriod Period, bool HasAmount, long? AmountCents, PooledBudgetDraft? Pool)
{
    private const string AmountRequired = "amount: Required";

    private bool CanHavePool => Scope.CanHavePool(Period);

    /// <summary>What can be said without looking at the stored cap: null when nothing is wrong yet.</summary>
    public string? Problem()
    {
        if (Pool is { SetsAnything: true } && !CanHavePool)
        {
            return Scope.Type == SpendScopeType.RbacGroup
                ? "Pooled budgets are monthly only. Set pooled fields on the group's monthly limit."
                : "Pooled budget fields can only be set on a group-level limit";
        }

        return HasAmount || Pool is not null ? null : AmountRequired;
    }

    /// <summary>The cap to store, or why it cannot be.</summary>
    /// <param name="position">Taken when the cap is new.</param>
    public (SpendLimit? Limit, string? Problem) Merge(
        SpendLimit? stored, long position, Func<string> newId, DateTimeOffset now)
    {
        if (!HasAmount && stored is null)
        {
            return (null, Pool is null
                ? AmountRequired : "This spend limit doesn't exist yet, so it needs amount (each member's own limit). "
                    + "Set amount; it may equal pooled_budget.amount.");
        }

        if (!HasAmount && Pool is null)
        {
            return (null, AmountRequired);
        }

        var amount = HasAmount ? AmountCents : stored!.AmountCents;
        var (pool, problem) = MergePool(stored?.Pool, amount);
        if (problem is not null)
        {
            return (null, problem);
        }

        return stored is null
            ? (new SpendLimit(newId(), position, Scope, Period, amount, pool, now, now), null)
            : (stored with { AmountCents = amount, Pool = pool, UpdatedAt = now }, null);
    }

    private (PooledBudget? Pool, string? Problem) MergePool(PooledBudget? stored, long? memberAmount)
    {
        if (!CanHavePool || (stored is null && Pool is null or { AmountCents: null, IsPaused: null }))
        {
            return (null, null);
        }

        var amount = Pool?.ClearsAmount == true ? null : Pool?.AmountCents ?? stored?.AmountCents;
        var isPaused = Pool?.IsPaused ?? stored?.IsPaused ?? false;
        if (isPaused)
        {
            // A pause of nothing is not worth remembering.
            return (amount is null ? null : new PooledBudget(amount, true), null);
        }

        return amount is null
            ? (
                null,
                "A pooled budget that isn't paused needs an amount. Set pooled_budget.amount, or set "
                    + "pooled_budget.paused to true.")
            : memberAmount is null
            ? (
                null,
                "A pooled budget that isn't paused needs amount (each member's own limit) on the same spend limit. Set "
                    + "amount; it may equal pooled_budget.amount.")
            : (new PooledBudget(amount, false), null);
    }
}
