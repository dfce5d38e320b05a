using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Spend;

/// <summary>A group's shared budget beside the counter of what it has paid.</summary>
internal readonly record struct PoolAccount(SpendLimit Limit, SpendCounter Counter)
{
    public long Cents => Limit.Pool!.AmountCents!.Value;

    public Money Spent(DateOnly today) => Counter.Totals(today).Monthly;

    public bool IsSpent(DateOnly today) => Spent(today).Reaches(Cents);

    public CapState State(DateOnly today) => new(Limit, Cents, Spent(today), SpendPeriod.Monthly.Reset(today));
}

/// <summary>
/// The caps and shared budgets that hold for one developer, looked up once for each request. Immutable.
/// </summary>
/// <param name="Pools">In the order they pay.</param>
/// <param name="Version">Of the book they were looked up in: while it has not changed they still hold.</param>
internal sealed record DeveloperLimits(
    SpendCounter Counter, EffectiveLimits Caps, IReadOnlyList<PoolAccount> Pools, long Version)
{
    /// <summary>Whether anything is limited at all.</summary>
    public bool HasAny => Caps.HasCap || Pools.Count > 0;

    public bool AllPoolsSpent(DateOnly today)
    {
        foreach (var pool in Pools)
        {
            if (!pool.IsSpent(today))
            {
                return false;
            }
        }

        return Pools.Count > 0;
    }

    /// <summary>The shared budget that pays: the largest with money left, else the largest. Null without one.</summary>
    public SpendCounter? Payer(DateOnly today)
    {
        foreach (var pool in Pools)
        {
            if (!pool.IsSpent(today))
            {
                return pool.Counter;
            }
        }

        return Pools.Count > 0 ? Pools[0].Counter : null;
    }

    /// <summary>Whether the budget is still one of them and not paused.</summary>
    public bool HasPool(SpendCounter counter) => Pools.Any(pool => pool.Counter.Id == counter.Id);
}

/// <summary>Looks up what holds for a developer (spec/spend.md, GET /effective).</summary>
/// <param name="mode">Which cap counts of several groups.</param>
internal sealed class LimitResolver(LimitBook book, SpendLedger ledger, GroupLimitMode mode)
{
    public DeveloperLimits Resolve(Principal principal, SpendCounter counter)
    {
        // The version first: what changes in between makes it look up again, not keep what is gone.
        var version = book.Version;
        var caps = book.Resolve(counter.Id, principal.Groups, mode);
        var pools = book.ActivePools(principal.Groups);
        return new DeveloperLimits(counter, caps, pools.Count == 0 ? [] : Accounts(pools), version);
    }

    /// <summary>The same again, looked up anew only when some limit has changed meanwhile.</summary>
    public DeveloperLimits Current(DeveloperLimits limits, Principal principal) =>
        limits.Version == book.Version ? limits : Resolve(principal, limits.Counter);

    private PoolAccount[] Accounts(IReadOnlyList<SpendLimit> pools) =>
        [.. pools.Select(pool => new PoolAccount(pool, ledger.Counter(CounterKind.Pool, pool.Scope.Id)))];
}
