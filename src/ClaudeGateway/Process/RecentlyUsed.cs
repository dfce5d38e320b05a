using System.Collections.Concurrent;

namespace ClaudeGateway.Process;

/// <summary>
/// Values by name, of which the ones used last are kept. Finding one takes no lock and looks at no other; when there
/// are more than <paramref name="capacity"/> the tenth used longest ago is forgotten at once.
/// </summary>
/// <param name="capacity">How many are kept at most, those apart that are being added at this moment.</param>
internal sealed class RecentlyUsed<T>(int capacity, TimeProvider clock)
    where T : class
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Whoever has it forgets; whoever finds it taken need not.</summary>
    private readonly Lock _forgetting = new();

    /// <summary>Counted here: the dictionary's own count takes all its locks.</summary>
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <param name="create">May be called for a value that another one wins over.</param>
    public T Get<TArg>(string name, TArg arg, Func<string, TArg, T> create)
    {
        if (!_entries.TryGetValue(name, out var entry))
        {
            var created = new Entry(create(name, arg));
            entry = _entries.GetOrAdd(name, created);
            if (ReferenceEquals(entry, created) && Interlocked.Increment(ref _count) > capacity)
            {
                // Used now: it must not be the one that is forgotten for it.
                entry.UsedAt = clock.GetTimestamp();
                ForgetOldest();
            }
        }

        entry.UsedAt = clock.GetTimestamp();
        return entry.Value;
    }

    private void ForgetOldest()
    {
        if (!_forgetting.TryEnter())
        {
            return;
        }

        try
        {
            // Listed by hand: LINQ would copy the dictionary by its count, which others change meanwhile.
            var entries = new List<KeyValuePair<string, Entry>>(Count);
            foreach (var entry in _entries)
            {
                entries.Add(entry);
            }

            foreach (var oldest in entries.OrderBy(pair => pair.Value.UsedAt).Take(Count - capacity + (capacity / 10)))
            {
                if (_entries.TryRemove(oldest))
                {
                    Interlocked.Decrement(ref _count);
                }
            }
        }
        finally
        {
            _forgetting.Exit();
        }
    }

    private sealed class Entry(T value)
    {
        private long _usedAt;

        public T Value { get; } = value;

        /// <summary>A timestamp of the clock.</summary>
        public long UsedAt { get => Volatile.Read(ref _usedAt); set => Volatile.Write(ref _usedAt, value); }
    }
}
