using System.Collections.Concurrent;
using System.Threading.Channels;
using ClaudeGateway.Spend.Ledger;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>
/// Notices when spend passes a threshold of a cap (<c>admin.alerts</c>). It looks at memory only, after an answer or a
/// refusal; what it finds waits in a bounded queue for <see cref="AlertSender"/>, which makes sure that one replica
/// tells of it once. One for the process, whatever configuration is in force.
/// </summary>
internal sealed class SpendAlerts(SpendLedger ledger)
{
    private const int MaxNoticed = 100_000;
    private const int MaxQueued = 10_000;

    private readonly ConcurrentDictionary<(string LimitId, long CapCents, CounterKey Counter),
        (DateOnly Start, int Threshold)> _noticed = [];
    private readonly Channel<SpendAlert> _queue = Channel.CreateBounded<SpendAlert>(MaxQueued);

    /// <summary>Percent, ascending; empty where nobody is told.</summary>
    private volatile IReadOnlyList<int> _thresholds = [];

    /// <summary>Entries of <see cref="_noticed"/>, about: its own count takes every lock it has.</summary>
    private int _noticedCount;

    /// <summary>What was noticed and not yet told.</summary>
    public ChannelReader<SpendAlert> Noticed => _queue.Reader;

    /// <summary>From now on these thresholds count; none of them: nothing is noticed.</summary>
    /// <param name="thresholds">Percent, ascending.</param>
    public void Use(IReadOnlyList<int> thresholds) => _thresholds = thresholds;

    /// <summary>Looks at the caps and budgets that concern a developer.</summary>
    /// <param name="email">His; null when it is not known.</param>
    public void Check(DeveloperLimits limits, string? email)
    {
        var thresholds = _thresholds;
        if (thresholds.Count == 0 || !limits.HasAny)
        {
            return;
        }

        var today = ledger.Today;
        var standing = CapStanding.Of(limits.Caps, limits.Counter.Totals(today));
        Check(thresholds, limits.Counter, standing.Daily, email, today);
        Check(thresholds, limits.Counter, standing.Weekly, email, today);
        Check(thresholds, limits.Counter, standing.Monthly, email, today);
        foreach (var pool in limits.Pools)
        {
            Check(thresholds, pool.Counter, pool.State(today), null, today);
        }
    }

    /// <summary>Puts one back that could not be handed on.</summary>
    public void Return(SpendAlert alert) => _queue.Writer.TryWrite(alert);

    private void Check(
        IReadOnlyList<int> thresholds, SpendCounter counter, CapState? cap, string? email, DateOnly today)
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
        foreach (var threshold in thresholds)
        {
            if (threshold > before
                && percent >= threshold
                && _queue.Writer.TryWrite(new SpendAlert(threshold, counter.Kind, counter.Id, email, finite, start)))
            {
                Remember(key, start, threshold);
            }
        }
    }

    private void Remember((string LimitId, long CapCents, CounterKey Counter) key, DateOnly start, int threshold)
    {
        if (_noticed.TryAdd(key, (start, threshold)))
        {
            if (Interlocked.Increment(ref _noticedCount) > MaxNoticed)
            {
                // The store knows what was told; forgetting costs a question each.
                Volatile.Write(ref _noticedCount, 0);
                _noticed.Clear();
            }
        }
        else
        {
            _noticed[key] = (start, threshold);
        }
    }
}
