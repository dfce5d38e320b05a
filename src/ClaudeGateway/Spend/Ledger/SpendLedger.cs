using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Every counter in use on this replica, and which of them have something the store does not know yet.
/// </summary>
internal sealed class SpendLedger(TimeProvider clock)
{
    private const int EverybodysWeight = 32;

    private static readonly TimeSpan IdleTime = TimeSpan.FromHours(2);

    private readonly ConcurrentDictionary<string, SpendCounter> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SpendCounter> _pools = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<CounterKey, SpendCounter> _byKey = [];
    private readonly ConcurrentQueue<SpendCounter> _changed = new();
    private readonly ConcurrentDictionary<string, SpendIdentity> _identities = new(StringComparer.Ordinal);

    public int Count => _byKey.Count;

    /// <summary>What everybody's requests were lately: stands in for a developer's own while he has none.</summary>
    public UsualUsage Usual { get; } = new(EverybodysWeight);

    /// <summary>Whether anything waits for the next round.</summary>
    public bool HasChanges => !_changed.IsEmpty || !_identities.IsEmpty;

    public DateOnly Today => SpendPeriods.Day(clock.GetUtcNow());

    /// <summary>
    /// The counter, created empty when it is new: from then on notifications reach it, so its first reading cannot miss
    /// one.
    /// </summary>
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

    public bool TryFind(CounterKey key, [NotNullWhen(true)] out SpendCounter? counter) =>
        _byKey.TryGetValue(key, out counter);

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

    /// <summary>
    /// Takes at most <paramref name="count"/> changed counters' amounts; they stay visible and are kept until
    /// confirmed.
    /// </summary>
    public List<SpendDelta> TakeChanges(int count)
    {
        var batch = new List<SpendDelta>();
        while (count-- > 0 && _changed.TryDequeue(out var counter))
        {
            // First out of the queue, then emptied: what is added in between queues it again.
            counter.LeaveQueue();
            if (!counter.IsHeld && counter.Take(batch))
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

    /// <summary>Lets the next round try again what the store has refused.</summary>
    public void Unhold(SpendCounter counter)
    {
        counter.Unhold();
        Queue(counter);
    }

    /// <summary>
    /// What is not in the store yet, as far as anybody knows: of how many developers and shared budgets, and how much.
    /// </summary>
    public UnwrittenSpend Unwritten()
    {
        var unwritten = default(UnwrittenSpend);
        foreach (var (_, counter) in _byKey)
        {
            if (counter.Unconfirmed is var amount && amount > Money.Zero)
            {
                unwritten = unwritten.And(counter.Kind, amount);
            }
        }

        return unwritten;
    }

    /// <summary>Forgets counters nobody has used for hours, so that memory follows the people at work.</summary>
    public void ForgetIdle()
    {
        var now = clock.GetTimestamp();
        foreach (var (key, counter) in _byKey)
        {
            if (counter.IsIdle && clock.GetElapsedTime(counter.LastUsed, now) > IdleTime)
            {
                // This very counter: of its id there may be another one by now, which both have to keep.
                var counters = counter.Kind == CounterKind.User ? _users : _pools;
                counters.TryRemove(KeyValuePair.Create(counter.Id, counter));
                _byKey.TryRemove(KeyValuePair.Create(key, counter));
            }
        }
    }

    private void Queue(SpendCounter counter)
    {
        if (!counter.IsHeld && counter.TryQueue())
        {
            _changed.Enqueue(counter);
        }
    }
}

/// <summary>Amounts that only this process knows. A budget's part is also in its members' amounts.</summary>
internal readonly record struct UnwrittenSpend(int Developers, Money OfDevelopers, int Budgets, Money OfBudgets)
{
    public bool IsNothing => Developers == 0 && Budgets == 0;

    public UnwrittenSpend And(CounterKind kind, Money amount) => kind == CounterKind.User
        ? this with { Developers = Developers + 1, OfDevelopers = OfDevelopers + amount }
        : this with { Budgets = Budgets + 1, OfBudgets = OfBudgets + amount };

    public override string ToString()
    {
        var developers = $"{OfDevelopers.ToDollars()} US dollars of {Count(Developers, "developer")}";
        return Budgets == 0
            ? developers
            : $"{developers} and {OfBudgets.ToDollars()} of {Count(Budgets, "shared budget")}";
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
