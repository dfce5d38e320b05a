using System.Collections.Concurrent;
using System.Threading.Channels;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>
/// Notices when spend passes a threshold of a cap (<c>admin.alerts</c>). It looks at memory only, after an answer or a refusal; what it finds
/// waits in a bounded queue for <see cref="AlertSender"/>, which makes sure that one replica tells of it once.
/// </summary>
internal sealed class SpendAlerts(IReadOnlyList<int> thresholds, GroupLimitMode mode, LimitBook book, SpendLedger ledger)
{
    private const int MaxNoticed = 100_000;
    private const int MaxQueued = 10_000;

    private readonly ConcurrentDictionary<(string LimitId, long CapCents, CounterKey Counter), (DateOnly Start, int Threshold)> _noticed = [];
    private readonly Channel<SpendAlert> _queue = Channel.CreateBounded<SpendAlert>(MaxQueued);

    /// <summary>What was noticed and not yet told.</summary>
    public ChannelReader<SpendAlert> Noticed => _queue.Reader;

    /// <summary>Looks at the caps and budgets that concern this developer.</summary>
    public void Check(Principal principal, SpendCounter counter)
    {
        var today = ledger.Today;
        var standing = CapStanding.Of(book.Resolve(counter.Id, principal.Groups, mode), counter.Totals(today));
        Check(counter, standing.Daily, principal.Email, today);
        Check(counter, standing.Weekly, principal.Email, today);
        Check(counter, standing.Monthly, principal.Email, today);
        foreach (var limit in book.ActivePools(principal.Groups))
        {
            var pool = new PoolAccount(limit, ledger.Counter(CounterKind.Pool, limit.Scope.Id));
            Check(pool.Counter, pool.State(today), null, today);
        }
    }

    /// <summary>Puts one back that could not be handed on.</summary>
    public void Return(SpendAlert alert) => _queue.Writer.TryWrite(alert);

    private void Check(SpendCounter counter, CapState? cap, string? email, DateOnly today)
    {
        if (cap is not { CapCents: > 0 } finite)
        {
            // A cap of 0 is a ban, not a budget that fills up.
            return;
        }

        var percent = finite.Share * 100;
        if (percent < thresholds[0])
        {
            return;
        }

        var start = finite.Limit.Period.Start(today);
        var key = (finite.Limit.Id, finite.CapCents, counter.Key);
        var before = _noticed.TryGetValue(key, out var noticed) && noticed.Start == start ? noticed.Threshold : 0;
        if (_noticed.Count > MaxNoticed)
        {
            // The store knows what was told; forgetting costs a question each.
            _noticed.Clear();
        }

        foreach (var threshold in thresholds)
        {
            if (threshold > before && percent >= threshold && _queue.Writer.TryWrite(new SpendAlert(threshold, counter.Kind, counter.Id, email, finite, start)))
            {
                _noticed[key] = (start, threshold);
            }
        }
    }
}
