using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Usage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Spend;

/// <summary>
/// An admitted request: money is set aside for it until it is settled or given up. One request in flight is always let
/// through; further ones only while what all of them are expected to cost still fits under every cap. What other
/// replicas cannot see yet (set aside, or spent and not written) they may be doing as well: it counts once for each of
/// them. So all of them together pass a cap by one request each at most.
/// </summary>
/// <param name="request">Null for one that will be refused for what it says: it can cost nothing.</param>
/// <param name="expected">What is set aside; nothing where nothing is limited.</param>
internal sealed class SpendTicket(
    SpendMeter meter,
    Principal principal,
    DeveloperLimits limits,
    CapState? described,
    PricedRequest? request,
    Money expected)
    : IDisposable
{
    private readonly SpendCounter _counter = limits.Counter;
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

    public bool TryReserve(in CapStanding standing, DateOnly today, int replicas)
    {
        if (expected == Money.Zero)
        {
            _pool = limits.Payer(today);
            return true;
        }

        _isReserved = true;
        var others = Unseen(_counter, replicas);
        return Fits(standing.Daily, others)
            && Fits(standing.Weekly, others)
            && Fits(standing.Monthly, others)
            && TryReservePool(today, replicas);
    }

    /// <summary>
    /// The client has left in the middle of an answer: its input is billed although the upstream may not have said it.
    /// </summary>
    public void AssumeInput(UsageReader reader) => reader.AssumeInput(request?.InputTokens ?? 0);

    /// <summary>Bills what <paramref name="reader"/> has seen; returns the cost.</summary>
    /// <param name="upstream">Who has answered.</param>
    /// <param name="upstreamModel">What he was asked for.</param>
    /// <param name="clientModel">The catalogue's id of what the client asked for.</param>
    public Money Settle(UsageReader reader, string upstream, string upstreamModel, string clientModel)
    {
        // Before the money set aside is given back: never is neither of them on the account.
        var cost = meter.Record(principal, limits, _pool, Served(upstream, upstreamModel, clientModel), reader);
        Dispose();
        return cost;
    }

    /// <summary>
    /// Bills the input of a request that its client has given up when an upstream had it and had not answered.
    /// </summary>
    public void SettleAbandoned(string upstream, string upstreamModel, string clientModel)
    {
        meter.RecordAbandoned(principal, limits, _pool, Served(upstream, upstreamModel, clientModel));
        Dispose();
    }

    /// <summary>Gives back what was set aside.</summary>
    public void Dispose()
    {
        if (_isReserved)
        {
            _isReserved = false;
            _counter.Release(expected);
            _pool?.Release(expected);
        }
    }

    private PricedRequest Served(string upstream, string upstreamModel, string clientModel) =>
        (request ?? default) with { Upstream = upstream, UpstreamModel = upstreamModel, ClientModel = clientModel };

    /// <summary>
    /// Sets the money aside, and tells what all replicas together may have on its way beside what is known to be spent;
    /// nothing when this request is the only one.
    /// </summary>
    private Money Unseen(SpendCounter account, int replicas)
    {
        var others = account.Reserve(expected);
        var unconfirmed = replicas > 1 ? account.Unconfirmed.Times(replicas - 1) : Money.Zero;
        return others == Money.Zero && unconfirmed == Money.Zero
            ? Money.Zero
            : (others + expected).Times(replicas) + unconfirmed;
    }

    private static bool Fits(CapState? cap, Money others) =>
        cap is not { } finite || others == Money.Zero || !(finite.Spent + others).Reaches(finite.CapCents);

    private bool TryReservePool(DateOnly today, int replicas)
    {
        foreach (var pool in limits.Pools)
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

        return limits.Pools.Count == 0;
    }
}
