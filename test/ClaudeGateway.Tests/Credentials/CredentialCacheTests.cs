using ClaudeGateway.Credentials;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Credentials;

public sealed class CredentialCacheTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly Signal _fetched = new();
    private readonly Queue<TaskCompletionSource<Lease<string>>> _answers = [];
    private int _fetches;

    [Fact]
    public async Task Many_requests_share_one_fetch()
    {
        var answer = NextAnswer();
        var cache = Cache();
        var waiting = Enumerable.Range(0, 50).Select(_ => cache.GetAsync(CancellationToken.None).AsTask()).ToArray();
        answer.SetResult(Hour("a"));

        Assert.All(await Task.WhenAll(waiting), value => Assert.Equal("a", value));
        Assert.Equal(1, _fetches);
    }

    [Fact]
    public async Task A_usable_credential_is_never_waited_for()
    {
        NextAnswer().SetResult(Hour("a"));
        var cache = Cache();
        await cache.GetAsync(CancellationToken.None);
        var renewal = NextAnswer();
        _clock.Advance(TimeSpan.FromMinutes(56));

        var during = cache.GetAsync(CancellationToken.None);
        Assert.True(during.IsCompletedSuccessfully);
        Assert.Equal("a", await during);

        renewal.SetResult(Hour("b"));
        await UntilAsync(cache, "b");
    }

    [Fact]
    public async Task A_failed_renewal_leaves_the_credential_and_is_tried_again_after_a_pause()
    {
        NextAnswer().SetResult(Hour("a"));
        var cache = Cache();
        await cache.GetAsync(CancellationToken.None);
        NextAnswer().SetException(new UpstreamUnavailableException("down"));
        _clock.Advance(TimeSpan.FromMinutes(56));
        await cache.GetAsync(CancellationToken.None);
        await _fetched.UntilAsync(() => _fetches == 2, "the failing renewal");

        NextAnswer().SetResult(Hour("b"));
        _clock.Advance(TimeSpan.FromSeconds(11));
        await UntilAsync(cache, "b");
        Assert.Equal(3, _fetches);
    }

    [Fact]
    public async Task A_failure_is_not_remembered()
    {
        NextAnswer().SetException(new HttpRequestException("refused"));
        var cache = Cache();
        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => cache.GetAsync(CancellationToken.None).AsTask());
        Assert.Equal("refused", failure.Message);

        NextAnswer().SetResult(Hour("a"));
        Assert.Equal("a", await cache.GetAsync(CancellationToken.None));
    }

    [Fact]
    public async Task An_expired_credential_is_not_used()
    {
        NextAnswer().SetResult(Hour("a"));
        var cache = Cache();
        await cache.GetAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromMinutes(59.6));
        NextAnswer().SetResult(Hour("b"));

        Assert.Equal("b", await cache.GetAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Who_stops_waiting_does_not_stop_the_fetch()
    {
        var answer = NextAnswer();
        var cache = Cache();
        using var impatient = new CancellationTokenSource();
        var first = cache.GetAsync(impatient.Token).AsTask();
        var second = cache.GetAsync(CancellationToken.None).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        answer.SetResult(Hour("a"));
        Assert.Equal("a", await second);
        Assert.Equal(1, _fetches);
    }

    [Fact]
    public async Task A_credential_without_end_is_read_again_when_it_asks_for_it()
    {
        NextAnswer().SetResult(new Lease<string>("a", null, TimeSpan.FromMinutes(5)));
        var cache = Cache();
        await cache.GetAsync(CancellationToken.None);
        NextAnswer().SetResult(new Lease<string>("b", null));
        _clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal("a", await cache.GetAsync(CancellationToken.None));
        await UntilAsync(cache, "b");
        _clock.Advance(TimeSpan.FromDays(9));
        Assert.Equal("b", await cache.GetAsync(CancellationToken.None));
        Assert.Equal(2, _fetches);
    }

    private CredentialCache<string> Cache() => new(
        cancellation =>
        {
            Interlocked.Increment(ref _fetches);
            _fetched.Set();
            return _answers.Dequeue().Task.WaitAsync(cancellation);
        },
        _clock);

    private TaskCompletionSource<Lease<string>> NextAnswer()
    {
        var answer = new TaskCompletionSource<Lease<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _answers.Enqueue(answer);
        return answer;
    }

    private Lease<string> Hour(string value) => new(value, _clock.GetUtcNow() + TimeSpan.FromHours(1));

    /// <summary>The renewal ends on another thread; asking again is how a request notices it.</summary>
    private static async Task UntilAsync(CredentialCache<string> cache, string value)
    {
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        while (await cache.GetAsync(timeout.Token) != value)
        {
            timeout.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
