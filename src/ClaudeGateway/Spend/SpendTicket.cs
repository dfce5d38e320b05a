using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Usage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Spend;

/// <summary>
/// An admitted request: money is set aside for it until it is settled or given up. One request in flight is always let
/// through; further ones only while what all of them usually cost still fits under every cap. What other replicas cannot
/// see yet (set aside, or spent and not written) they may be doing as well: it counts once for each of them. So all of them
/// together pass a cap by one request each at most.
/// </summary>
internal sealed class SpendTicket(SpendMeter meter, Principal principal, SpendCounter counter, CapState? described, Money expected) : IDisposable
{
    private bool _isReserved;
    private SpendCounter? _pool;

    /// <summary>Describes the fullest cap on an answer that was served; nothing when there is none.</summary>
    public void WriteHeaders(IHeaderDictionary headers)
    {
        if (described is { } cap)
        {
            RateLimitHeaders.WriteServed(headers, cap);
        }
    }

    public bool TryReserve(in CapStanding standing, IReadOnlyList<PoolAccount> pools, DateOnly today, int replicas)
    {
        if (expected == Money.Zero)
        {
            _pool = pools.Count > 0 ? Choose(pools, today) : null;
            return true;
        }

        _isReserved = true;
        var others = Unseen(counter, replicas);
        return Fits(standing.Daily, others) && Fits(standing.Weekly, others) && Fits(standing.Monthly, others) && TryReservePool(pools, today, replicas);
    }

    /// <summary>Bills what <paramref name="reader"/> has seen; returns the cost.</summary>
    public Money Settle(UsageReader reader, string upstream, string upstreamModel, string clientModel)
    {
        // Before the money set aside is given back: never is neither of them on the account.
        var cost = meter.Record(principal, counter, _pool, upstream, upstreamModel, clientModel, reader);
        Dispose();
        return cost;
    }

    /// <summary>Gives back what was set aside.</summary>
    public void Dispose()
    {
        if (_isReserved)
        {
            _isReserved = false;
            counter.Release(expected);
            _pool?.Release(expected);
        }
    }

    /// <summary>
    /// Sets the money aside, and tells what all replicas together may have on its way beside what is known to be spent;
    /// nothing when this request is the only one.
    /// </summary>
    private Money Unseen(SpendCounter account, int replicas)
    {
        var others = account.Reserve(expected);
        var unconfirmed = replicas > 1 ? account.Unconfirmed.Times(replicas - 1) : Money.Zero;
        return others == Money.Zero && unconfirmed == Money.Zero ? Money.Zero : (others + expected).Times(replicas) + unconfirmed;
    }

    private static bool Fits(CapState? cap, Money others) => cap is not { } finite || others == Money.Zero || !(finite.Spent + others).Reaches(finite.CapCents);

    private static SpendCounter Choose(IReadOnlyList<PoolAccount> pools, DateOnly today) =>
        (pools.FirstOrDefault(pool => !pool.Spent(today).Reaches(pool.Cents)) is { Counter: not null } withMoney ? withMoney : pools[0]).Counter;

    private bool TryReservePool(IReadOnlyList<PoolAccount> pools, DateOnly today, int replicas)
    {
        foreach (var pool in pools)
        {
            var spent = pool.Spent(today);
            if (spent.Reaches(pool.Cents))
            {
                continue;
            }

            var others = Unseen(pool.Counter, replicas);
            if (others == Money.Zero || !(spent + others).Reaches(pool.Cents))
            {
                _pool = pool.Counter;
                return true;
            }

            pool.Counter.Release(expected);
        }

        return pools.Count == 0;
    }
}
