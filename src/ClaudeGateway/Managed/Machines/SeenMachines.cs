using System.Buffers;
using System.Collections.Concurrent;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Managed.Machines;

/// <summary>What a machine was seen to run with.</summary>
/// <param name="At">Milliseconds since the epoch.</param>
internal readonly record struct Sighting(string Version, long At);

/// <summary>
/// Which settings version each signed-in machine was last seen with on this replica. A machine is a sign-in
/// (<c>sid</c>): its bearers change, that stays. On the path of every request: a known machine costs one look-up,
/// nothing waits or fails. <see cref="MachineRegister"/> writes down what is new, and once an hour what is not.
/// </summary>
internal sealed class SeenMachines(TimeProvider clock)
{
    /// <summary>About 200 bytes each. What comes beyond is not counted until others have gone home.</summary>
    public const int Capacity = 100_000;

    /// <summary>How often a machine that runs on unchanged is written down; older sightings are forgotten.</summary>
    private static readonly long PeriodMilliseconds = (long)TimeSpan.FromHours(1).TotalMilliseconds;

    /// <summary>Longer than any <c>sid</c> of ours.</summary>
    private const int MaxSessionCharacters = 64;

    private static readonly SearchValues<char> SessionCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly ConcurrentDictionary<string, Sighting> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Sighting> _unwritten = new(StringComparer.Ordinal);

    /// <summary>About how many are known: the dictionary's own count takes all of its locks.</summary>
    private int _count;

    /// <summary>
    /// About how many wait to be written, for the same reason; in a long outage more may come than are known at a time.
    /// </summary>
    private int _unwrittenCount;

    /// <param name="checksum">What the client says it runs with; anything that is no checksum is passed over.</param>
    public void See(Principal principal, string? checksum)
    {
        if (checksum is not null && principal.SessionId is { } session)
        {
            See(session, checksum, clock.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    /// <summary>Takes at most <paramref name="count"/> sightings that have not been written.</summary>
    public List<KeyValuePair<string, Sighting>> TakeUnwritten(int count)
    {
        var taken = new List<KeyValuePair<string, Sighting>>();
        foreach (var (session, _) in _unwritten)
        {
            if (taken.Count == count)
            {
                break;
            }

            if (_unwritten.TryRemove(session, out var sighting))
            {
                Interlocked.Decrement(ref _unwrittenCount);
                taken.Add(new(session, sighting));
            }
        }

        return taken;
    }

    /// <summary>
    /// Puts sightings back that could not be written, unless a newer one waits, and not beyond <see cref="Capacity"/>:
    /// the machine's next hour brings it again.
    /// </summary>
    public void Return(IEnumerable<KeyValuePair<string, Sighting>> sightings)
    {
        foreach (var (session, sighting) in sightings)
        {
            if (Volatile.Read(ref _unwrittenCount) < Capacity && _unwritten.TryAdd(session, sighting))
            {
                Interlocked.Increment(ref _unwrittenCount);
            }
        }
    }

    /// <summary>Forgets machines whose next request is written down in any case.</summary>
    public void Forget()
    {
        var oldest = clock.GetUtcNow().ToUnixTimeMilliseconds() - PeriodMilliseconds;
        foreach (var known in _known)
        {
            if (known.Value.At <= oldest)
            {
                _known.TryRemove(known);
            }
        }

        Volatile.Write(ref _count, _known.Count);
    }

    private void See(string session, string checksum, long now)
    {
        var isKnown = _known.TryGetValue(session, out var known);
        if (isKnown && now - known.At < PeriodMilliseconds && SettingsVersion.Is(checksum, known.Version))
        {
            return;
        }

        if (SettingsVersion.Of(checksum) is not { } version || !(isKnown || CanEnter(session)))
        {
            return;
        }

        var sighting = new Sighting(version, now);
        if (_known.TryAdd(session, sighting))
        {
            Interlocked.Increment(ref _count);
        }
        else
        {
            _known[session] = sighting;
        }

        Keep(session, sighting);
    }

    /// <summary>In place of an older sighting, or as a new one while there is room.</summary>
    private void Keep(string session, Sighting sighting)
    {
        while (true)
        {
            if (_unwritten.TryGetValue(session, out var older))
            {
                if (_unwritten.TryUpdate(session, sighting, older))
                {
                    return;
                }
            }
            else if (Volatile.Read(ref _unwrittenCount) >= Capacity)
            {
                return;
            }
            else if (_unwritten.TryAdd(session, sighting))
            {
                Interlocked.Increment(ref _unwrittenCount);
                return;
            }
        }
    }

    /// <summary>
    /// Whoever holds the signing secret may put any text into a token; the store does not take every one.
    /// </summary>
    private bool CanEnter(string session) =>
        Volatile.Read(ref _count) < Capacity && session.Length is > 0 and <= MaxSessionCharacters
        && !session.AsSpan().ContainsAnyExcept(SessionCharacters);
}
