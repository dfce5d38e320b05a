using System.Diagnostics.CodeAnalysis;

namespace ClaudeGateway.Credentials;

/// <summary>A credential and how long it may be used.</summary>
/// <param name="ExpiresAt">Null for one that does not expire by itself.</param>
/// <param name="RereadAfter">When to look for a newer one although this one does not expire, e.g. in a file that is
/// rotated; null never.</param>
internal sealed record Lease<T>(T Value, DateTimeOffset? ExpiresAt, TimeSpan? RereadAfter = null)
{
    /// <summary>
    /// How long before the end of one that expires its renewal begins; null leaves that to the cache.
    /// </summary>
    public TimeSpan? RenewalLead { get; init; }
}

/// <summary>
/// Keeps one short-lived credential. One fetch serves all who wait for it; a usable credential is never waited for: it
/// is renewed in the background before it ends. A failed fetch is not remembered.
/// </summary>
/// <param name="fetch">Gets a new credential; it is given <see cref="FetchTimeout"/>, not the client's
/// patience.</param>
internal sealed class CredentialCache<T>(Func<CancellationToken, Task<Lease<T>>> fetch, TimeProvider clock)
    where T : class
{
    public static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A credential this close to its end is not started with: the request must still arrive and clocks differ.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    /// <summary>Renewal begins this long before the end, or at half of a shorter life.</summary>
    private static readonly TimeSpan RenewalLead = TimeSpan.FromMinutes(5);

    /// <summary>
    /// While the old credential is still usable renewals that fail do not begin more often than this.
    /// </summary>
    private static readonly TimeSpan RenewalPause = TimeSpan.FromSeconds(10);

    /// <summary>Protects <see cref="_fetching"/>, and that <see cref="_held"/> changes together with it.</summary>
    private readonly Lock _lock = new();
    private volatile Held? _held;
    private Task<Held>? _fetching;

    /// <exception cref="UpstreamUnavailableException">There is no usable credential and none could be
    /// fetched.</exception>
    public ValueTask<T> GetAsync(CancellationToken cancellation)
    {
        var held = _held;
        var now = clock.GetUtcNow();
        if (held is null || now >= held.UsableUntil)
        {
            return WaitAsync(cancellation);
        }

        if (now >= held.RenewAt)
        {
            _ = StartFetch();
        }

        return ValueTask.FromResult(held.Value);
    }

    /// <summary>
    /// A credential other than <paramref name="refused"/>, which was not taken although it had not ended yet.
    /// </summary>
    /// <exception cref="UpstreamUnavailableException">None could be fetched.</exception>
    public ValueTask<T> GetOtherAsync(T refused, CancellationToken cancellation) =>
        _held is { } held && !held.Value.Equals(refused) && clock.GetUtcNow() < held.UsableUntil
            ? ValueTask.FromResult(held.Value)
            : WaitAsync(cancellation);

    private async ValueTask<T> WaitAsync(CancellationToken cancellation) =>
        (await StartFetch().WaitAsync(cancellation)).Value;

    private Task<Held> StartFetch()
    {
        lock (_lock)
        {
            // Task.Run: the caller must not do the synchronous part of a library's work under the lock.
            return _fetching ??= Task.Run(FetchAsync);
        }
    }

    [SuppressMessage(
        "Design",
        "CA1031:Do not catch general exception types",
        Justification = "Whatever a credential library throws means: no credential.")]
    private async Task<Held> FetchAsync()
    {
        var began = clock.GetUtcNow();
        try
        {
            using var timeout = new CancellationTokenSource(FetchTimeout, clock);
            var lease = await fetch(timeout.Token);
            var held = Held.From(lease, clock.GetUtcNow());
            lock (_lock)
            {
                _held = held;
                _fetching = null;
            }

            return held;
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _held = _held is { } old ? old with { RenewAt = began + RenewalPause } : null;
                _fetching = null;
            }

            throw e as UpstreamUnavailableException
                ?? new UpstreamUnavailableException(
                    e is OperationCanceledException ? $"no credential within {FetchTimeout.TotalSeconds} s" : e.Message,
                    e);
        }
    }

    private sealed record Held(T Value, DateTimeOffset RenewAt, DateTimeOffset UsableUntil)
    {
        public static Held From(Lease<T> lease, DateTimeOffset now)
        {
            if (lease.ExpiresAt is not { } expiresAt)
            {
                return new Held(
                    lease.Value,
                    lease.RereadAfter is { } reread ? now + reread : DateTimeOffset.MaxValue,
                    DateTimeOffset.MaxValue);
            }

            var life = expiresAt - now;
            return new Held(lease.Value,
                expiresAt - (lease.RenewalLead ?? (life > 2 * RenewalLead ? RenewalLead : life / 2)),
                expiresAt - Margin);
        }
    }
}
