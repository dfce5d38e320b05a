using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// Lets a request to /v1/messages pass or refuses it (spec/spend.md, Enforcement): 1. who asks is noted for the admin's
/// lists, 2. the store is asked when the ledger may be out of date, when a cap is near, and now and then, 3. a reached
/// cap speaks first, the one that holds longest, 4. then groups' shared budgets, when all are spent, 5. then money set
/// aside for requests in flight: of many at once only those that still fit pass.
/// </summary>
internal sealed class SpendGate(
    bool failClosed,
    SpendAccounts accounts,
    LimitResolver resolver,
    SpendMeter meter,
    SpendRefusals refusals,
    TimeProvider clock)
{
    /// <summary>Within this many cents of a cap the store is asked for every request.</summary>
    private const long NearCents = 1000;

    /// <summary>Or within this share of it, or within this many requests like this one.</summary>
    private const int NearShare = 20;
    private const int NearRequests = 32;

    /// <summary>
    /// Questions that are asked although the ledger could answer. They make a quiet gateway as exact as one that asks
    /// for every request, and find a store that has fallen silent; under load they are lost among the rounds.
    /// </summary>
    private readonly RateBudget _questions = new(perSecond: 10, burst: 40, clock);
    private readonly SpendLedger _ledger = accounts.Ledger;
    private readonly SpendSync _sync = accounts.Sync;

    /// <summary>Which of two ways to serve one request costs more at most; the first of two alike.</summary>
    public PricedRequest Dearer(in PricedRequest first, in PricedRequest second) =>
        meter.Most(second) > meter.Most(first) ? second : first;

    /// <summary>
    /// The ticket of an admitted request, to be settled or disposed; null when the request has been answered with a
    /// refusal.
    /// </summary>
    /// <param name="asked">What is to be paid for; null when the request will be refused for what it says, once no cap
    /// speaks first.</param>
    public async ValueTask<SpendTicket?> AdmitAsync(GatewayRequest request, Principal principal, PricedRequest? asked)
    {
        // 1. Who asks is noted.
        var limits = resolver.Resolve(principal, Note(principal));
        var totals = limits.Counter.Totals(_ledger.Today);
        var expected = Expect(limits, asked);
        // 2. The store is asked where the ledger may be wrong.
        if (MustAsk(limits, totals, expected))
        {
            try
            {
                limits = await AskAsync(limits, principal);
                totals = limits.Counter.Totals(_ledger.Today);
                expected = Expect(limits, asked);
            }
            catch (StoreUnavailableException)
            {
                return await PassBlindlyAsync(request, principal, limits, asked);
            }
        }

        // 3. Caps, 4. shared budgets, 5. what is set aside.
        var standing = CapStanding.Of(limits.Caps, totals);
        if (standing.Reached is null && !limits.AllPoolsSpent(totals.Day))
        {
            var ticket = new SpendTicket(meter, principal, limits, standing.Fullest, asked, expected);
            if (ticket.TryReserve(standing, totals.Day, _sync.Replicas))
            {
                return ticket;
            }

            ticket.Dispose();
        }

        // A cap may have been lowered below what is spent: then no answer passes it.
        accounts.Alerts.Check(limits, principal.Email);
        return await RefuseAsync(request, principal, limits, standing, totals.Day);
    }

    /// <summary>The counter of a developer, and the store told when he has changed or was not seen today.</summary>
    private SpendCounter Note(Principal principal)
    {
        var counter = _ledger.Counter(CounterKind.User, StoredText.Of(principal.Sub));
        var today = _ledger.Today;
        if (counter.KnownIdentity is not { } known || !known.Matches(principal, today))
        {
            _ledger.See(counter, SpendIdentity.Of(principal, counter.Id, today));
            _sync.Wake();
        }

        return counter;
    }

    /// <summary>Nothing where nothing is limited, and of a request that will not be sent.</summary>
    private Money Expect(DeveloperLimits limits, PricedRequest? asked) =>
        asked is { } request && limits.HasAny ? meter.Expect(limits.Counter, request) : Money.Zero;

    private bool MustAsk(DeveloperLimits limits, in SpendTotals totals, Money expected)
    {
        var epoch = _sync.Epoch;
        return epoch == 0
            || limits.Counter.SyncedEpoch != epoch
            || (limits.Caps.HasCap && IsNearAny(limits, totals, expected))
            || (limits.Pools.Count > 0 && MustAsk(limits.Pools, epoch, totals.Day, expected))
            || _questions.TryTake();
    }

    private bool MustAsk(IReadOnlyList<PoolAccount> pools, long epoch, DateOnly today, Money expected) =>
        pools.Any(pool => pool.Counter.SyncedEpoch != epoch)
        || pools.All(pool => IsNear(pool.Spent(today), pool.Counter, pool.Cents, expected));

    private bool IsNearAny(DeveloperLimits limits, in SpendTotals totals, Money expected) =>
        IsNear(totals.Daily, limits.Counter, limits.Caps.Daily?.AmountCents, expected)
        || IsNear(totals.Weekly, limits.Counter, limits.Caps.Weekly?.AmountCents, expected)
        || IsNear(totals.Monthly, limits.Counter, limits.Caps.Monthly?.AmountCents, expected);

    private bool IsNear(Money spent, SpendCounter counter, long? capCents, Money expected)
    {
        if (capCents is not { } cents)
        {
            return false;
        }

        var margin = Money.FromCents(Math.Max(NearCents, cents / NearShare));
        var requests = expected.Times(NearRequests);
        return (spent + counter.Reserved.Times(_sync.Replicas) + (requests > margin
            ? requests : margin)).Reaches(cents);
    }

    private async Task<DeveloperLimits> AskAsync(DeveloperLimits limits, Principal principal)
    {
        if (!failClosed && _sync.IsStalled)
        {
            throw new StoreUnavailableException("the store is too slow to wait for");
        }

        await _sync.AskAsync([limits.Counter, .. limits.Pools.Select(pool => pool.Counter)]);
        var current = resolver.Current(limits, principal);
        if (current.Pools.Any(pool => limits.Pools.All(asked => asked.Counter != pool.Counter)))
        {
            // The answer brought a budget along that nobody here knew of.
            await _sync.AskAsync([.. current.Pools.Select(pool => pool.Counter)]);
        }

        return current;
    }

    private async ValueTask<SpendTicket?> RefuseAsync(
        GatewayRequest request, Principal principal, DeveloperLimits limits, CapStanding standing, DateOnly today)
    {
        if (standing.Reached is { } reached)
        {
            await refusals.CapReachedAsync(request, principal, reached);
        }
        else if (limits.AllPoolsSpent(today))
        {
            await refusals.PoolsSpentAsync(request, principal, limits.Pools, today);
        }
        else
        {
            await refusals.InFlightAsync(request, principal);
        }

        return null;
    }

    /// <summary>The store cannot be asked: the operator has chosen whether that stops work.</summary>
    private async ValueTask<SpendTicket?> PassBlindlyAsync(
        GatewayRequest request, Principal principal, DeveloperLimits limits, PricedRequest? asked)
    {
        if (!failClosed)
        {
            return new SpendTicket(meter, principal, limits, null, asked, Money.Zero);
        }

        await refusals.UnknownAsync(request, principal);
        return null;
    }
}
