using System.Net;

namespace ClaudeGateway.Http;

/// <summary>
/// Counts something for each client network (<see cref="ClientNetwork"/>) in windows from the first of it, in memory,
/// by each replica for itself. Thread-safe.
/// </summary>
internal sealed class NetworkCounts(TimeSpan window, TimeProvider clock)
{
    /// <summary>
    /// Networks counted at a time; those beyond share one count until a window ends, so that many forget nothing.
    /// </summary>
    public const int MaxNetworks = 10_000;

    /// <summary>Who came when the table was full. No client has this address.</summary>
    private static readonly IPAddress Others = IPAddress.Broadcast;

    /// <summary>Protects the two fields below.</summary>
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, (long Start, int Count)> _counts = [];
    private long _lastSweep;

    /// <summary>Counts one more and gives how many there are in this window.</summary>
    public int Add(IPAddress address)
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            var network = FindPlace_NeedsLock(ClientNetwork.Of(address), now);
            var (start, count) = _counts.TryGetValue(network, out var seen) && !IsEnded(seen.Start, now)
                ? (seen.Start, seen.Count + 1)
                : (now, 1);
            _counts[network] = (start, count);
            return count;
        }
    }

    /// <summary>How many there are in this window, and how long it lasts yet.</summary>
    public (int Count, TimeSpan Left) Find(IPAddress address)
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            var network = FindPlace_NeedsLock(ClientNetwork.Of(address), now);
            return _counts.TryGetValue(network, out var seen) && !IsEnded(seen.Start, now)
                ? (seen.Count, window - clock.GetElapsedTime(seen.Start, now))
                : (0, TimeSpan.Zero);
        }
    }

    private IPAddress FindPlace_NeedsLock(IPAddress network, long now)
    {
        if (_counts.Count < MaxNetworks || _counts.ContainsKey(network))
        {
            return network;
        }

        // At most once in a window: a full table must not be walked for every one of a flood.
        if (IsEnded(_lastSweep, now))
        {
            _lastSweep = now;
            foreach (var (known, counted) in _counts)
            {
                if (IsEnded(counted.Start, now))
                {
                    _counts.Remove(known);
                }
            }
        }

        return _counts.Count < MaxNetworks ? network : Others;
    }

    private bool IsEnded(long start, long now) => clock.GetElapsedTime(start, now) >= window;
}
