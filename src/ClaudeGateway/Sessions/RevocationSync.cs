using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Sessions;

/// <summary>
/// Takes over what other replicas revoked: at once when PostgreSQL announces it, and by looking every two seconds in
/// any case, because poolers and failovers lose announcements. While the store is away the last known list stays in
/// force; nothing new can be revoked then except on the replica that is asked.
/// </summary>
internal sealed class RevocationSync(
    RevocationStore store, Revocations revocations, ReplicaChannel replicas, TimeProvider clock,
    OperationalLog log) : IAsyncDisposable
{
    public const string Topic = "revocation";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    /// <summary>How far apart the clocks of two replicas may be.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(5);

    private DateTimeOffset _seenUntil;
    private long _heard;
    private BackgroundLoop? _loop;

    /// <summary>Loads what is in force; the gateway must not answer a bearer before.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task StartAsync()
    {
        // Before the look into the store: what is announced during it is looked for again.
        _heard = replicas.Announced(Topic);
        await CatchUpAsync();
        _loop = BackgroundLoop.Start(
            async cancellation => _heard = await replicas.WaitAsync(Topic, _heard, Period, cancellation),
            CatchUpAsync,
            "revocations: the last known ones stay in force",
            log);
    }

    public ValueTask DisposeAsync() => _loop?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task CatchUpAsync()
    {
        var now = clock.GetUtcNow();
        foreach (var revocation in await store.SinceAsync(_seenUntil))
        {
            revocations.Add(revocation);
        }

        _seenUntil = now - ClockDifference;
        revocations.Prune();
    }
}
