using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using ClaudeGateway.Logging;

namespace ClaudeGateway.SignIn.Refresh;

/// <summary>An outcome, and whether somebody else had it first.</summary>
internal readonly record struct RefreshAnswer(RefreshOutcome Outcome, bool IsRepeated);

/// <summary>
/// The refreshes of this process, whichever configuration they began with: one at a time for each token, and those
/// outcomes that the store has not taken yet.
/// </summary>
internal sealed class RefreshesHere(TimeProvider clock, OperationalLog log)
{
    private readonly ConcurrentDictionary<string, Task<RefreshAnswer>> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RefreshRecord> _unwritten = new(StringComparer.Ordinal);

    /// <summary>Tokens that more than one holder presented, and until when that matters.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _shared = new(StringComparer.Ordinal);
    private int _isStoreAway;

    /// <summary>Names this process in the store: another one each time it starts.</summary>
    public string Self { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>
    /// Runs <paramref name="work"/>, or waits for the one under way for the same token and shares what it comes to. It
    /// goes on when whoever asked has left.
    /// </summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever it is, those who wait are told.")]
    public async Task<RefreshAnswer> ShareAsync(byte[] tokenHash, Func<Task<RefreshAnswer>> work)
    {
        var key = Convert.ToHexString(tokenHash);
        var mine = new TaskCompletionSource<RefreshAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = _running.GetOrAdd(key, mine.Task);
        if (running != mine.Task)
        {
            SayIsShared(tokenHash);
            return (await running) with { IsRepeated = true };
        }

        try
        {
            mine.SetResult(await work());
        }
        catch (Exception e)
        {
            mine.SetException(e);
        }
        finally
        {
            _running.TryRemove(key, out _);
        }

        return await mine.Task;
    }

    /// <summary>Whether several were seen here to hold the token: for as long as its outcome is remembered.</summary>
    public bool IsShared(byte[] tokenHash) =>
        _shared.TryGetValue(Convert.ToHexString(tokenHash), out var end) && end > clock.GetUtcNow();

    public void SayIsShared(byte[] tokenHash)
    {
        var now = clock.GetUtcNow();
        foreach (var entry in _shared.Where(entry => entry.Value <= now))
        {
            _shared.TryRemove(entry);
        }

        _shared[Convert.ToHexString(tokenHash)] = now + OneRefresh.Remembered;
    }

    /// <summary>An outcome that the store has not taken; null when there is none, or its time is over.</summary>
    public RefreshRecord? Find(byte[] tokenHash) =>
        _unwritten.TryGetValue(Convert.ToHexString(tokenHash), out var record)
        && record.RememberedUntil > clock.GetUtcNow() ? record : null;

    public void Keep(RefreshRecord record)
    {
        foreach (var (key, other) in _unwritten)
        {
            if (other.RememberedUntil <= clock.GetUtcNow())
            {
                _unwritten.TryRemove(key, out _);
            }
        }

        _unwritten[Convert.ToHexString(record.TokenHash)] = record;
    }

    public void Forget(RefreshRecord record) => _unwritten.TryRemove(
        KeyValuePair.Create(Convert.ToHexString(record.TokenHash), record));

    /// <summary>Said once until the store answers again.</summary>
    public void SayStoreIsAway(Exception failure)
    {
        if (Interlocked.Exchange(ref _isStoreAway, 1) == 0)
        {
            log.Warn(
                $"store: sessions are renewed without it ({failure.Message}): until it answers, two replicas may use "
                    + "one refresh token at once, and a used one is not recognised");
        }
    }

    public void SayStoreAnswers()
    {
        if (Volatile.Read(ref _isStoreAway) == 1 && Interlocked.Exchange(ref _isStoreAway, 0) == 1)
        {
            log.Info("store: refresh tokens are recognised again");
        }
    }
}
