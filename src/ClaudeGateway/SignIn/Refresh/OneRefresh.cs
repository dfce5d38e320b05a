using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn.Refresh;

/// <summary>
/// One outcome for everybody who presents the same refresh token of ours. Two processes of a developer share one, and
/// an IdP that rotates its own takes the second use for theft and ends the session of both. 1. In this process they
/// share what is under way. 2. Over all replicas one takes the lease and asks; the others wait. 3. A final outcome is
/// remembered, so that an answer that got lost can be asked for again, unless it evidently was not lost. 4. After that
/// the token was used. What is not final is not remembered. Without the store a replica goes on alone: a session that
/// could be renewed stays so.
/// </summary>
internal sealed class OneRefresh(SignInParts parts)
{
    /// <summary>How long an outcome is handed out again.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(120);

    /// <summary>A holder without a sign of life for so long is taken for dead.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    /// <summary>How often another replica's lease is looked at.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private const string Step = "token_endpoint";
    private static readonly TimeSpan BeatPeriod = Lease / 3;

    /// <summary>After this whoever waits for another replica is told to come again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);

    private static readonly RefreshOutcome.Failed WasUsed = new(
        "the refresh token was used before; the IdP was not asked", Step, OAuthError.InvalidGrant);

    private static readonly RefreshOutcome.Failed WasRevoked =
        new("the session was revoked", Step, OAuthError.InvalidGrant);

    private readonly RefreshesHere _here = parts.RefreshesHere;
    private readonly RefreshStore _store = new(parts.Database, parts.RefreshesHere.Self, parts.Clock);

    /// <param name="exchange">Asks the IdP.</param>
    public Task<RefreshAnswer> RedeemAsync(RefreshTokenContent content, Func<Task<RefreshOutcome>> exchange) =>
        _here.ShareAsync(content.Hash, () => DecideAsync(content, exchange));

    private async Task<RefreshAnswer> DecideAsync(RefreshTokenContent content, Func<Task<RefreshOutcome>> exchange)
    {
        if (_here.Find(content.Hash) is { } unwritten)
        {
            return await AgainAsync(content, unwritten.Sealed, isStoreThere: false);
        }

        var clock = parts.Clock;
        var start = clock.GetTimestamp();
        RefreshLease? lease = null;
        var since = start;
        while (true)
        {
            RefreshState state;
            try
            {
                var isDead = lease is not null && clock.GetElapsedTime(since) >= Lease;
                state = await _store.TakeAsync(content.Hash, content.Expires, isDead ? lease : null);
                _here.SayStoreAnswers();
            }
            catch (Exception e) when (RefreshStore.IsFailure(e))
            {
                _here.SayStoreIsAway(e);
                // Whoever held it may be asking at this moment.
                return lease is null
                    ? new RefreshAnswer(await ExchangeAsync(content, exchange, isLeased: false), false)
                    : Later("the store went away while another replica asked the IdP");
            }

            switch (state)
            {
                case RefreshState.Taken:
                    return new RefreshAnswer(await ExchangeAsync(content, exchange, isLeased: true), false);
                case RefreshState.Remembered remembered:
                    return await AgainAsync(content, remembered.Sealed, isStoreThere: true);
                case RefreshState.Held held:
                    if (held.Lease != lease)
                    {
                        (lease, since) = (held.Lease, clock.GetTimestamp());
                    }

                    break;
                default:
                    return new RefreshAnswer(WasUsed, true);
            }

            if (clock.GetElapsedTime(start) >= Patience)
            {
                return Later("another replica still asks the IdP");
            }

            await Task.Delay(Poll, clock);
        }
    }

    private async Task<RefreshOutcome> ExchangeAsync(
        RefreshTokenContent content, Func<Task<RefreshOutcome>> exchange, bool isLeased)
    {
        RefreshOutcome outcome;
        try
        {
            outcome = await (isLeased ? BeatingAsync(content.Hash, exchange()) : exchange());
            if (outcome is RefreshOutcome.Renewed renewed && await IsRevokedAsync(content, renewed.Sub, isLeased))
            {
                outcome = WasRevoked;
            }
        }
        catch
        {
            await ReleaseAsync(content.Hash);
            throw;
        }

        if (outcome is RefreshOutcome.Failed { IsFinal: false })
        {
            await (isLeased ? ReleaseAsync(content.Hash) : Task.CompletedTask);
            return outcome;
        }

        return await RememberAsync(content, outcome, isLeased);
    }

    /// <summary>Shows that this replica lives while the IdP takes its time.</summary>
    private async Task<RefreshOutcome> BeatingAsync(byte[] tokenHash, Task<RefreshOutcome> exchange)
    {
        using var end = new CancellationTokenSource();
        while (await Task.WhenAny(exchange, Task.Delay(BeatPeriod, parts.Clock, end.Token)) != exchange)
        {
            await TryAsync(() => _store.BeatAsync(tokenHash));
        }

        await end.CancelAsync();
        return await exchange;
    }

    private Task ReleaseAsync(byte[] tokenHash) => TryAsync(() => _store.ReleaseAsync(tokenHash));

    /// <summary>Keeps a final outcome, and says which one holds.</summary>
    /// <param name="isStoreThere">Else whoever asked need not wait for it a second time.</param>
    private async Task<RefreshOutcome> RememberAsync(
        RefreshTokenContent content, RefreshOutcome outcome, bool isStoreThere)
    {
        var record = new RefreshRecord(
            content.Hash,
            outcome is RefreshOutcome.Renewed,
            RememberedRefresh.Seal(outcome, parts.Box, content.Hash),
            parts.Clock.GetUtcNow() + Remembered,
            content.Expires);
        if (isStoreThere)
        {
            try
            {
                return await _store.RememberAsync(record) is { } other
                    ? RememberedRefresh.Open(other, parts.Box, content.Hash) ?? outcome
                    : outcome;
            }
            catch (Exception e) when (RefreshStore.IsFailure(e))
            {
                _here.SayStoreIsAway(e);
            }
        }

        _here.Keep(record);
        _ = BackgroundLoop.DoAsync(
            () => WriteLaterAsync(record), "store: a refresh token that was used is not known as such", parts.Log);
        return outcome;
    }

    /// <summary>
    /// Tries while the outcome is remembered: another replica, once it sees the store again, must not ask the IdP about
    /// a token that was used here.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It did not come back in time.</exception>
    private async Task WriteLaterAsync(RefreshRecord record)
    {
        for (var pause = FirstRetry; ; pause *= 2)
        {
            try
            {
                await Task.Delay(pause, parts.Clock);
                await _store.RememberAsync(record);
                _here.Forget(record);
                _here.SayStoreAnswers();
                return;
            }
            catch (Exception e) when (RefreshStore.IsFailure(e) && parts.Clock.GetUtcNow() < record.RememberedUntil)
            {
                // Still away.
            }
            catch (ObjectDisposedException)
            {
                // The gateway stops.
                return;
            }
        }
    }

    /// <summary>What somebody else was told; but never a bearer that has been revoked since.</summary>
    private async Task<RefreshAnswer> AgainAsync(
        RefreshTokenContent content, byte[] sealedOutcome, bool isStoreThere)
    {
        var outcome = RememberedRefresh.Open(sealedOutcome, parts.Box, content.Hash);
        switch (outcome)
        {
            case null:
                return Later(
                    "the outcome was sealed with a secret of session.jwt_secret that this replica does not have");
            case RefreshOutcome.Renewed renewed when await IsRevokedAsync(content, renewed.Sub, isStoreThere):
                return new RefreshAnswer(WasRevoked, true);
            case RefreshOutcome.Renewed renewed when HasArrived(content, renewed):
                return new RefreshAnswer(WasUsed, true);
            default:
                _here.SayIsShared(content.Hash);
                return new RefreshAnswer(outcome, true);
        }
    }

    /// <summary>
    /// Whether the answer reached the only holder there is: nobody else was seen with the token, and its bearer is in
    /// use. Then whoever comes with the old token has an old copy (RFC 9700 section 4.14.2).
    /// </summary>
    private bool HasArrived(RefreshTokenContent content, RefreshOutcome.Renewed renewed) =>
        !_here.IsShared(content.Hash) && parts.Session.HasSeen(renewed.AccessToken);

    /// <summary>
    /// Asked of the store too: news of other replicas takes up to two seconds, and what is handed out now is good for
    /// an hour. Whatever was revoked since the presented token was issued concerns its successors.
    /// </summary>
    private async Task<bool> IsRevokedAsync(RefreshTokenContent content, string sub, bool isStoreThere)
    {
        if (isStoreThere)
        {
            await TryAsync(() => parts.RevocationStore.LookUpAsync(content.SessionId, content.Sub, sub));
        }

        return parts.Revocations.CoversSession(content.SessionId, content.Sub, content.IssuedAt)
            || parts.Revocations.CoversSession(null, sub, content.IssuedAt);
    }

    private async Task TryAsync(Func<Task> statement)
    {
        try
        {
            await statement();
        }
        catch (Exception e) when (RefreshStore.IsFailure(e))
        {
            _here.SayStoreIsAway(e);
        }
    }

    private static RefreshAnswer Later(string reason) =>
        new(new RefreshOutcome.Failed(reason, Step, OAuthError.TemporarilyUnavailable), true);
}
