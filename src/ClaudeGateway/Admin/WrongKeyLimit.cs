using System.Collections.Concurrent;
using System.Net;

namespace ClaudeGateway.Admin;

/// <summary>
/// Counts wrong admin keys for each client address. Keys have at least 32 characters, so guessing is hopeless; the limit keeps
/// attempts from flooding the audit log. A right key always passes: an attacker behind the same address must not be able to
/// lock an operator out.
/// </summary>
internal sealed class WrongKeyLimit(TimeProvider clock)
{
    private const int MaxPerWindow = 60;
    private const int MaxAddresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, (long Start, int Count)> _attempts = [];

    /// <summary>Counts an attempt and says whether it is one too many.</summary>
    /// <param name="isFirst">Whether it is the first one too many of this minute.</param>
    public bool IsOver(IPAddress address, out bool isFirst)
    {
        if (_attempts.Count > MaxAddresses)
        {
            _attempts.Clear();
        }

        var now = clock.GetTimestamp();
        var (_, count) = _attempts.AddOrUpdate(
            address,
            static (_, state) => (state.now, 1),
            static (_, seen, state) => state.clock.GetElapsedTime(seen.Start, state.now) < Window ? (seen.Start, seen.Count + 1) : (state.now, 1),
            (now, clock));
        isFirst = count == MaxPerWindow + 1;
        return count > MaxPerWindow;
    }
}
