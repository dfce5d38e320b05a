using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Alerts;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// Lets a request to /v1/messages pass or refuses it (spec/spend.md, Enforcement):
/// 1. who asks is noted for the admin's lists, 2. the store is asked when the ledger may be out of date, when a cap is near,
/// and now and then, 3. a reached cap speaks first, the one that holds longest, 4. then groups' shared budgets, when all are
/// spent, 5. then money set aside for requests in flight: of many at once only those that still fit pass.
/// </summary>
internal sealed class SpendGate(AdminConfig admin, bool failClosed, SpendAccounts accounts, SpendMeter meter, SpendAlerts? alerts, TimeProvider clock, AuditLog audit)
{
    /// <summary>Within this many cents of a cap the store is asked for every request.</summary>
    private const long NearCents = 1000;

    /// <summary>Or within this share of it, or within this many requests of usual cost.</summary>
    private const int NearShare = 20;
    private const int NearRequests = 32;

    /// <summary>Expected of a request while nobody's cost is known yet.</summary>
    private static readonly Money FirstGuess = Money.FromCents(50);

    /// <summary>
    /// Questions that are asked although the ledger could answer. They make a quiet gateway as exact as one that asks for
    /// every request, and find a store that has fallen silent; under load they are lost among the rounds.
    /// </summary>
    private readonly RateBudget _questions = new(perSecond: 10, burst: 40, clock);
    private readonly LimitBook _book = accounts.Book;
    private readonly SpendLedger _ledger = accounts.Ledger;
    private readonly SpendSync _sync = accounts.Sync;
    private readonly SpendRefusals _refusals = new(admin.BlockedMessage, clock, audit);

    /// <summary>The ticket of an admitted request, to be settled or disposed; null when the request has been answered with a refusal.</summary>
    public async ValueTask<SpendTicket?> AdmitAsync(GatewayRequest request, Principal principal)
    {
        var counter = Note(principal);
        var limits = _book.Resolve(counter.Id, principal.Groups, admin.GroupLimitMode);
        var pools = Pools(principal);
        var totals = counter.Totals(_ledger.Today);
        if (MustAsk(counter, limits, totals, pools))
        {
            try
            {
                (limits, pools) = await AskAsync(counter, principal, pools);
                totals = counter.Totals(_ledger.Today);
            }
            catch (StoreUnavailableException)
            {
                return await PassBlindlyAsync(request, principal, counter);
            }
        }

        var standing = CapStanding.Of(limits, totals);
        if (Admit(counter, principal, limits, standing, pools, totals.Day) is { } ticket)
        {
            return ticket;
        }

        // A cap may have been lowered below what is spent: then no answer passes it.
        alerts?.Check(principal, counter);
        return await RefuseAsync(request, principal, standing, pools, totals.Day);
    }

    /// <summary>The counter of a developer, and the store told when he has changed or was not seen today.</summary>
    private SpendCounter Note(Principal principal)
    {
        var counter = _ledger.Counter(CounterKind.User, StorableText.Of(principal.Sub));
        var today = _ledger.Today;
        if (counter.KnownIdentity is not { } known || !known.Matches(principal, today))
        {
            _ledger.See(counter, SpendIdentity.Of(principal, counter.Id, today));
            _sync.Wake();
        }

        return counter;
    }

    private IReadOnlyList<PoolAccount> Pools(Principal principal)
    {
        var pools = _book.ActivePools(principal.Groups);
        return pools.Count == 0 ? [] : [.. pools.Select(pool => new PoolAccount(pool, _ledger.Counter(CounterKind.Pool, pool.Scope.Id)))];
    }

    private bool MustAsk(SpendCounter counter, in EffectiveLimits limits, in SpendTotals totals, IReadOnlyList<PoolAccount> pools)
    {
        var epoch = _sync.Epoch;
        return epoch == 0
            || counter.SyncedEpoch != epoch
            || (limits.HasCap && IsNearAny(counter, limits, totals))
            || (pools.Count > 0 && MustAsk(pools, epoch, totals.Day))
            || _questions.TryTake();
    }

    private bool MustAsk(IReadOnlyList<PoolAccount> pools, long epoch, DateOnly today) =>
        pools.Any(pool => pool.Counter.SyncedEpoch != epoch) || pools.All(pool => IsNear(pool.Spent(today), pool.Counter, pool.Cents));

    private bool IsNearAny(SpendCounter counter, in EffectiveLimits limits, in SpendTotals totals) =>
        IsNear(totals.Daily, counter, limits.Daily?.AmountCents)
        || IsNear(totals.Weekly, counter, limits.Weekly?.AmountCents)
        || IsNear(totals.Monthly, counter, limits.Monthly?.AmountCents);

    private bool IsNear(Money spent, SpendCounter counter, long? capCents)
    {
        if (capCents is not { } cents)
        {
            return false;
        }

        var margin = Money.FromCents(Math.Max(NearCents, cents / NearShare));
        var requests = Expected(counter).Times(NearRequests);
        return (spent + counter.Reserved.Times(_sync.Replicas) + (requests > margin ? requests : margin)).Reaches(cents);
    }

    private async Task<(EffectiveLimits Limits, IReadOnlyList<PoolAccount> Pools)> AskAsync(SpendCounter counter, Principal principal, IReadOnlyList<PoolAccount> pools)
    {
        if (!failClosed && _sync.IsStalled)
        {
            throw new StoreUnavailableException("the store is too slow to wait for");
        }

        await _sync.AskAsync([counter, .. pools.Select(pool => pool.Counter)]);
        var current = Pools(principal);
        if (current.Any(pool => pools.All(asked => asked.Counter != pool.Counter)))
        {
            // The answer brought a budget along that nobody here knew of.
            await _sync.AskAsync([.. current.Select(pool => pool.Counter)]);
        }

        return (_book.Resolve(counter.Id, principal.Groups, admin.GroupLimitMode), current);
    }

    private SpendTicket? Admit(SpendCounter counter, Principal principal, in EffectiveLimits limits, in CapStanding standing, IReadOnlyList<PoolAccount> pools, DateOnly today)
    {
        if (standing.Reached is not null || AllSpent(pools, today))
        {
            return null;
        }

        var expected = limits.HasCap || pools.Count > 0 ? Expected(counter) : Money.Zero;
        var ticket = new SpendTicket(meter, principal, counter, standing.Fullest, expected);
        if (ticket.TryReserve(standing, pools, today, _sync.Replicas))
        {
            return ticket;
        }

        ticket.Dispose();
        return null;
    }

    private async ValueTask<SpendTicket?> RefuseAsync(GatewayRequest request, Principal principal, CapStanding standing, IReadOnlyList<PoolAccount> pools, DateOnly today)
    {
        if (standing.Reached is { } reached)
        {
            await _refusals.CapReachedAsync(request, principal, reached);
        }
        else if (AllSpent(pools, today))
        {
            await _refusals.PoolsSpentAsync(request, principal, pools, today);
        }
        else
        {
            await _refusals.InFlightAsync(request, principal);
        }

        return null;
    }

    private static bool AllSpent(IReadOnlyList<PoolAccount> pools, DateOnly today) => pools.Count > 0 && pools.All(pool => pool.Spent(today).Reaches(pool.Cents));

    /// <summary>The store cannot be asked: the operator has chosen whether that stops work.</summary>
    private async ValueTask<SpendTicket?> PassBlindlyAsync(GatewayRequest request, Principal principal, SpendCounter counter)
    {
        if (!failClosed)
        {
            return new SpendTicket(meter, principal, counter, null, Money.Zero);
        }

        await _refusals.UnknownAsync(request, principal);
        return null;
    }

    private Money Expected(SpendCounter counter) => counter.MeanCost ?? meter.MeanCost ?? FirstGuess;
}

/// <summary>A group's shared budget beside the counter of what it has paid.</summary>
internal readonly record struct PoolAccount(SpendLimit Limit, SpendCounter Counter)
{
    public long Cents => Limit.Pool!.AmountCents!.Value;

    public Money Spent(DateOnly today) => Counter.Totals(today).Monthly;

    public CapState State(DateOnly today) => new(Limit, Cents, Spent(today), SpendPeriod.Monthly.Reset(today));
}
