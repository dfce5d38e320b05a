namespace ClaudeGateway.Spend.Ledger;

/// <summary>What one counter's total was in the store: a figure that only grows within its period.</summary>
internal readonly record struct StoredTotal(CounterKey Key, SpendPeriod Period, DateOnly Start, Money Amount);

/// <summary>An amount of one day on its way into the store.</summary>
internal readonly record struct SpendDelta(SpendCounter Counter, DateOnly Day, Money Amount);

/// <summary>
/// The running totals of one developer or one group's budget, in memory: what the store has (all replicas) plus what
/// this replica has not written yet. Stored totals merge by taking the larger, so it does not matter in which order
/// answers and notifications arrive. Safe for concurrent use.
/// </summary>
internal sealed class SpendCounter(CounterKind kind, string id)
{
    private const int MeanWeight = 8;

    /// <summary>More than any request costs: sums of what is set aside stay far from the end of 64 bits.</summary>
    private static readonly Money MaxReserved = Money.FromCents(1_000_000);

    /// <summary>
    /// Protects <see cref="_stored"/>, <see cref="_pending"/> and <see cref="_sending"/>: a reader sees each amount in
    /// one of them.
    /// </summary>
    private readonly Lock _lock = new();
    private readonly (DateOnly Start, Money Amount)[] _stored = new (DateOnly, Money)[SpendPeriods.All.Length];
    private (DateOnly Day, Money Amount)[] _pending = [];
    private (DateOnly Day, Money Amount)[] _sending = [];
    private long _reservedNanoCents;
    private int _isQueued;
    private volatile bool _isHeld;

    public CounterKind Kind { get; } = kind;

    /// <summary>The developer's sub or the group's name.</summary>
    public string Id { get; } = id;

    public CounterKey Key { get; } = CounterKey.Of(kind, id);

    /// <summary>
    /// In which span of uninterrupted notifications the stored totals were read; 0 before the first reading.
    /// </summary>
    public long SyncedEpoch { get; set; }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> of the last use.</summary>
    public long LastUsed { get; set; }

    /// <summary>What the store knows of the developer's name and groups, so that it is told only of changes.</summary>
    public SpendIdentity? KnownIdentity { get; set; }

    /// <summary>What this developer's last few requests were.</summary>
    public UsualUsage Usual { get; } = new(MeanWeight);

    /// <summary>Whether the store refuses this counter's amounts: they count here and are not sent.</summary>
    public bool IsHeld => _isHeld;

    /// <summary>What requests in flight on this replica are expected to cost.</summary>
    public Money Reserved => new(Interlocked.Read(ref _reservedNanoCents));

    /// <summary>
    /// What was spent here and is not known to be in the store, so that other replicas cannot see it.
    /// </summary>
    public Money Unconfirmed
    {
        get
        {
            lock (_lock)
            {
                return Sum(_pending) + Sum(_sending);
            }
        }
    }

    /// <summary>Whether nothing would be lost by forgetting this counter.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _pending.Length == 0 && _sending.Length == 0 && Reserved == Money.Zero;
            }
        }
    }

    public SpendTotals Totals(DateOnly day)
    {
        lock (_lock)
        {
            return new SpendTotals(
                day,
                Total_NeedsLock(SpendPeriod.Daily, day),
                Total_NeedsLock(SpendPeriod.Weekly, day),
                Total_NeedsLock(SpendPeriod.Monthly, day));
        }
    }

    /// <summary>Sets money aside for a request in flight.</summary>
    /// <returns>What was set aside for others before: of requests that come at once only the first sees
    /// nothing.</returns>
    public Money Reserve(Money expected)
    {
        var amount = Bounded(expected).NanoCents;
        return new(Interlocked.Add(ref _reservedNanoCents, amount) - amount);
    }

    public void Release(Money expected) => Interlocked.Add(ref _reservedNanoCents, -Bounded(expected).NanoCents);

    /// <summary>Whether the caller is the one to put this counter into the queue of changed ones.</summary>
    public bool TryQueue() => Interlocked.Exchange(ref _isQueued, 1) == 0;

    public void LeaveQueue() => Volatile.Write(ref _isQueued, 0);

    /// <summary>Records a served request; it is visible to <see cref="Totals"/> at once.</summary>
    public void Add(DateOnly day, Money cost)
    {
        lock (_lock)
        {
            AddTo(ref _pending, day, cost);
        }
    }

    /// <summary>
    /// Moves what is not written yet into <paramref name="batch"/>; a sum over the store's range is cut into several
    /// rounds.
    /// </summary>
    /// <returns>Whether something is left for another round.</returns>
    public bool Take(List<SpendDelta> batch)
    {
        lock (_lock)
        {
            foreach (var (day, amount) in _pending)
            {
                var part = amount > Money.MaxDelta ? Money.MaxDelta : amount;
                batch.Add(new SpendDelta(this, day, part));
                AddTo(ref _sending, day, part);
            }

            _pending = [
                .. _pending.Where(p => p.Amount > Money.MaxDelta).Select(p => (p.Day, p.Amount - Money.MaxDelta))];
            return _pending.Length > 0;
        }
    }

    /// <summary>
    /// What was taken is in the store now and part of <paramref name="totals"/>: one step, so that no reader counts it
    /// twice or not at all.
    /// </summary>
    public void Confirm(IEnumerable<StoredTotal> totals)
    {
        lock (_lock)
        {
            _sending = [];
            foreach (var total in totals)
            {
                Merge_NeedsLock(total);
            }
        }
    }

    /// <summary>
    /// The store refuses for good what was taken: it waits as before, and is not taken again until <see
    /// cref="Unhold"/>.
    /// </summary>
    public void Hold(IEnumerable<SpendDelta> taken)
    {
        lock (_lock)
        {
            _sending = [];
            foreach (var delta in taken)
            {
                AddTo(ref _pending, delta.Day, delta.Amount);
            }

            _isHeld = true;
        }
    }

    public void Unhold() => _isHeld = false;

    public void Merge(in StoredTotal total)
    {
        lock (_lock)
        {
            Merge_NeedsLock(total);
        }
    }

    private static Money Bounded(Money expected) => expected > MaxReserved ? MaxReserved : expected;

    private static void AddTo(ref (DateOnly Day, Money Amount)[] days, DateOnly day, Money amount)
    {
        // Nearly always one day, two around midnight, one each for the days of an outage.
        for (var i = 0; i < days.Length; i++)
        {
            if (days[i].Day == day)
            {
                days[i].Amount += amount;
                return;
            }
        }

        days = [.. days, (day, amount)];
    }

    private static Money Sum((DateOnly Day, Money Amount)[] days)
    {
        var sum = Money.Zero;
        foreach (var (_, amount) in days)
        {
            sum += amount;
        }

        return sum;
    }

    private void Merge_NeedsLock(in StoredTotal total)
    {
        ref var stored = ref _stored[(int)total.Period];
        if (total.Start > stored.Start || (total.Start == stored.Start && total.Amount > stored.Amount))
        {
            stored = (total.Start, total.Amount);
        }
    }

    private Money Total_NeedsLock(SpendPeriod period, DateOnly day)
    {
        var start = period.Start(day);
        var sum = _stored[(int)period].Start == start ? _stored[(int)period].Amount : Money.Zero;
        foreach (var (pendingDay, amount) in _pending)
        {
            sum += period.Start(pendingDay) == start ? amount : Money.Zero;
        }

        foreach (var (sendingDay, amount) in _sending)
        {
            sum += period.Start(sendingDay) == start ? amount : Money.Zero;
        }

        return sum;
    }
}
