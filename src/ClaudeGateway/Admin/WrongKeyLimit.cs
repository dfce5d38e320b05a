using System.Net;
using ClaudeGateway.Http;

namespace ClaudeGateway.Admin;

/// <summary>
/// Counts wrong admin keys for each client network (<see cref="ClientNetwork"/>). Keys have at least 32 characters, so
/// guessing is hopeless; the limit keeps attempts from flooding the audit log. A right key always passes: an attacker
/// behind the same address must not be able to lock an operator out.
/// </summary>
internal sealed class WrongKeyLimit(TimeProvider clock)
{
    /// <summary>
    /// Networks counted at a time; those beyond share one count until a window ends, so that many forget nothing.
    /// </summary>
    public const int MaxNetworks = 10_000;

    private const int MaxPerWindow = 60;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>Who came when the table was full. No client has this address.</summary>
    private static readonly IPAddress Others = IPAddress.Broadcast;

    /// <summary>Protects the two fields below.</summary>
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, (long Start, int Count)> _attempts = [];
    private long _lastSweep;

    /// <summary>Counts an attempt and says whether it is one too many.</summary>
    /// <param name="isFirst">Whether it is the first one too many of this minute.</param>
    public bool IsOver(IPAddress address, out bool isFirst)
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            var network = FindPlace_NeedsLock(ClientNetwork.Of(address), now);
            var (start, count) = _attempts.TryGetValue(network, out var seen) && !IsEnded(seen.Start, now)
                ? (seen.Start, seen.Count + 1)
                : (now, 1);
            _attempts[network] = (start, count);
            isFirst = count == MaxPerWindow + 1;
            return count > MaxPerWindow;
        }
    }

    private IPAddress FindPlace_NeedsLock(IPAddress network, long now)
    {
        if (_attempts.Count < MaxNetworks || _attempts.ContainsKey(network))
        {
            return network;
        }

        // At most once in a window: a full table must not be walked for every attempt of a flood.
        if (IsEnded(_lastSweep, now))
        {
            _lastSweep = now;
            foreach (var (known, attempts) in _attempts)
            {
                if (IsEnded(attempts.Start, now))
                {
                    _attempts.Remove(known);
                }
            }
        }

        return _attempts.Count < MaxNetworks ? network : Others;
    }

    private bool IsEnded(long start, long now) => clock.GetElapsedTime(start, now) >= Window;
}
