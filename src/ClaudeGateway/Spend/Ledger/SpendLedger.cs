using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>Every counter in use on this replica, and which of them have something the store does not know yet.</summary>
internal sealed class SpendLedger(TimeProvider clock)
{
    private static readonly TimeSpan IdleTime = TimeSpan.FromHours(2);

    private readonly ConcurrentDictionary<string, SpendCounter> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SpendCounter> _pools = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<CounterKey, SpendCounter> _byKey = [];
    private readonly ConcurrentQueue<SpendCounter> _changed = new();
    private readonly ConcurrentDictionary<string, SpendIdentity> _identities = new(StringComparer.Ordinal);

    public int Count => _byKey.Count;

    /// <summary>Whether anything waits for the next round.</summary>
    public bool HasChanges => !_changed.IsEmpty || !_identities.IsEmpty;

    public DateOnly Today => SpendPeriods.Day(clock.GetUtcNow());

    /// <summary>The counter, created empty when it is new: from then on notifications reach it, so its first reading cannot miss one.</summary>
    public SpendCounter Counter(CounterKind kind, string id)
    {
        var counters = kind == CounterKind.User ? _users : _pools;
        if (!counters.TryGetValue(id, out var counter))
        {
            counter = counters.GetOrAdd(id, static (key, k) => new SpendCounter(k, key), kind);
            _byKey[counter.Key] = counter;
        }

        counter.LastUsed = clock.GetTimestamp();
        return counter;
    }

    public bool TryFind(CounterKey key, [NotNullWhen(true)] out SpendCounter? counter) => _byKey.TryGetValue(key, out counter);

    public void Add(SpendCounter counter, Money cost)
    {
        counter.Add(Today, cost);
        Queue(counter);
    }

    public void See(SpendCounter counter, SpendIdentity identity)
    {
        if (counter.KnownIdentity is null || !counter.KnownIdentity.Equals(identity))
        {
            counter.KnownIdentity = identity;
            _identities[identity.Sub] = identity;
        }
    }

    /// <summary>Takes at most <paramref name="count"/> changed counters' amounts; they stay visible and are kept until confirmed.</summary>
    public List<SpendDelta> TakeChanges(int count)
    {
        var batch = new List<SpendDelta>();
        while (count-- > 0 && _changed.TryDequeue(out var counter))
        {
            // First out of the queue, then emptied: what is added in between queues it again.
            counter.LeaveQueue();
            if (counter.Take(batch))
            {
                Queue(counter);
            }
        }

        return batch;
    }

    public List<SpendIdentity> TakeIdentities(int count)
    {
        var taken = new List<SpendIdentity>();
        foreach (var sub in _identities.Keys.Take(count))
        {
            if (_identities.TryRemove(sub, out var identity))
            {
                taken.Add(identity);
            }
        }

        return taken;
    }

    /// <summary>Puts identities back that could not be written, unless a newer one waits.</summary>
    public void Return(IEnumerable<SpendIdentity> identities)
    {
        foreach (var identity in identities)
        {
            _identities.TryAdd(identity.Sub, identity);
        }
    }

    /// <summary>Forgets counters nobody has used for hours, so that memory follows the people at work.</summary>
    public void ForgetIdle()
    {
        var now = clock.GetTimestamp();
        foreach (var (key, counter) in _byKey)
        {
            if (counter.IsIdle && clock.GetElapsedTime(counter.LastUsed, now) > IdleTime)
            {
                (counter.Kind == CounterKind.User ? _users : _pools).TryRemove(counter.Id, out _);
                _byKey.TryRemove(key, out _);
            }
        }
    }

    private void Queue(SpendCounter counter)
    {
        if (counter.TryQueue())
        {
            _changed.Enqueue(counter);
        }
    }
}
