using ClaudeGateway.SignIn.Jose;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// The IdP's signing keys (RFC 7517), fetched when first needed, every ten minutes, and at once for a key id it has not
/// seen, so that a key rotation at the IdP costs nobody a sign-in. Fetches are limited, because the key id is a guess
/// of whoever wrote the token.
/// </summary>
internal sealed class KeySet(IdpHttp http, Uri url, TimeProvider clock) : IDisposable
{
    private const int MaxFetchesPerMinute = 5;
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Held during a fetch; protects <see cref="_recentFetches"/> and who sets <see cref="_current"/>.
    /// </summary>
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Queue<long> _recentFetches = new();
    private Snapshot? _current;

    /// <summary>The keys of one fetch.</summary>
    internal sealed record Snapshot(IReadOnlyList<JsonWebKey> Keys, long FetchedAt);

    /// <exception cref="IdentityProviderUnavailableException">There are no keys yet and none can be had.</exception>
    public async Task<Snapshot> GetAsync()
    {
        var current = _current;
        return current is not null && clock.GetElapsedTime(current.FetchedAt) < MaxAge
            ? current
            : await FetchAsync(current) ?? current ?? throw NoKeys();
    }

    /// <summary>
    /// Keys newer than <paramref name="seen"/>, or null when the limit is reached or the IdP does not answer.
    /// </summary>
    public Task<Snapshot?> NewerThanAsync(Snapshot seen) => FetchAsync(seen);

    public void Dispose() => _gate.Dispose();

    private async Task<Snapshot?> FetchAsync(Snapshot? seen)
    {
        await _gate.WaitAsync();
        try
        {
            if (!ReferenceEquals(_current, seen))
            {
                return _current; // Another sign-in fetched meanwhile.
            }

            if (!MayFetch_NeedsLock())
            {
                return null;
            }

            var answer = await http.GetAsync(url);
            var keys = answer.Status == 200 ? JsonWebKey.ReadSet(answer.Json) : [];
            if (keys.Count == 0)
            {
                return seen is null
                    ? throw new IdentityProviderUnavailableException(
                        $"GET {url}: status {answer.Status}, no usable signing key in the answer")
                    : null;
            }

            return _current = new Snapshot(keys, clock.GetTimestamp());
        }
        catch (IdentityProviderUnavailableException) when (seen is not null)
        {
            return null;
        }
        finally
        {
            _gate.Release();
        }
    }

    private bool MayFetch_NeedsLock()
    {
        while (_recentFetches.TryPeek(out var oldest) && clock.GetElapsedTime(oldest) > TimeSpan.FromMinutes(1))
        {
            _recentFetches.Dequeue();
        }

        if (_recentFetches.Count >= MaxFetchesPerMinute)
        {
            return false;
        }

        _recentFetches.Enqueue(clock.GetTimestamp());
        return true;
    }

    private IdentityProviderUnavailableException NoKeys() => new($"GET {url}: no signing keys could be fetched");
}
