using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Alerts;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Spend.Prices;
using ClaudeGateway.Spend.Usage;

namespace ClaudeGateway.Spend;

/// <summary>
/// Puts served requests on the account: the price of what the upstream reported goes to the developer's counter and, when
/// his groups share a budget, to one of theirs. Only memory is touched; <see cref="SpendSync"/> writes it behind.
/// </summary>
internal sealed class SpendMeter(PriceList prices, SpendAccounts accounts, SpendAlerts? alerts, OperationalLog log)
{
    private const int MeanWeight = 32;

    private readonly LimitBook _book = accounts.Book;
    private readonly SpendLedger _ledger = accounts.Ledger;

    private long _meanNanoCents = -1;

    /// <summary>Mean cost of a request over everybody; null before the first.</summary>
    public Money? MeanCost => Interlocked.Read(ref _meanNanoCents) is >= 0 and var mean ? new Money(mean) : null;

    /// <param name="upstreamModel">What the upstream that answered was asked for.</param>
    /// <param name="clientModel">The catalogue's id of what the client asked for.</param>
    /// <param name="pool">The budget chosen when the request was admitted, or null.</param>
    public Money Record(Principal principal, SpendCounter counter, SpendCounter? pool, string upstream, string upstreamModel, string clientModel, UsageReader reader)
    {
        var usage = reader.Finish();
        if (reader.IsClamped)
        {
            log.Warn($"spend: upstream {upstream} reported impossible usage for {upstreamModel}; the figures out of range were clamped");
        }

        var cost = prices.Find(upstream, upstreamModel, clientModel).CostOf(usage);
        _ledger.Add(counter, cost);
        if (Payer(principal, pool) is { } payer)
        {
            _ledger.Add(payer, cost);
        }

        var mean = Interlocked.Read(ref _meanNanoCents);
        Interlocked.Exchange(ref _meanNanoCents, mean < 0 ? cost.NanoCents : mean + ((cost.NanoCents - mean) / MeanWeight));
        accounts.Sync.Wake();
        alerts?.Check(principal, counter);
        return cost;
    }

    /// <summary>The budget that was chosen, unless it has been paused or removed meanwhile; then the largest with money left.</summary>
    private SpendCounter? Payer(Principal principal, SpendCounter? chosen)
    {
        var pools = _book.ActivePools(principal.Groups);
        if (pools.Count == 0)
        {
            return null;
        }

        if (chosen is not null && pools.Any(pool => pool.Scope.Id == chosen.Id))
        {
            return chosen;
        }

        var today = _ledger.Today;
        var accounts = pools.Select(pool => new PoolAccount(pool, _ledger.Counter(CounterKind.Pool, pool.Scope.Id))).ToList();
        return accounts.Find(account => !account.Spent(today).Reaches(account.Cents)).Counter ?? accounts[0].Counter;
    }
}
