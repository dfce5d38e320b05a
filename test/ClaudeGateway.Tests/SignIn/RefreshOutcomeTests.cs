using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn;

public sealed class RefreshOutcomeTests : IDisposable
{
    private static readonly byte[] Token = [1, 2, 3];

    private static readonly RefreshOutcome Renewed = new RefreshOutcome.Renewed(
        "bearer", new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), "gwr_next", "alice", "a@example.com");

    private readonly ManualTimeProvider _clock = new();
    private readonly StderrLines _lines;
    private readonly CapturedLog _log = new();
    private readonly RefreshesHere _here;

    public RefreshOutcomeTests()
    {
        _lines = new StderrLines(_log);
        _here = new RefreshesHere(_clock, new OperationalLog(_lines, _clock, LogLevel.Debug));
    }

    public void Dispose() => _lines.Dispose();

    [Fact]
    public void A_success_is_sealed_for_its_token_alone()
    {
        var box = Box(TestConfig.JwtSecret);
        var data = RememberedRefresh.Seal(Renewed, box, Token);
        Assert.Equal(Renewed, RememberedRefresh.Open(data, box, Token));
        Assert.Null(RememberedRefresh.Open(data, box, [1, 2, 4]));
        Assert.Null(RememberedRefresh.Open(data, Box("another-secret-0123456789-0123456789-0123"), Token));
        Assert.DoesNotContain("bearer", System.Text.Encoding.Latin1.GetString(data), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_is_kept_with_its_reason_and_what_is_not_final_is_not_kept()
    {
        var box = Box(TestConfig.JwtSecret);
        RefreshOutcome refused = new RefreshOutcome.Failed("no", "claims", OAuthError.InvalidGrant);
        Assert.Equal(refused, RememberedRefresh.Open(RememberedRefresh.Seal(refused, box, Token), box, Token));
        Assert.Throws<InvalidOperationException>(() => RememberedRefresh.Seal(
            new RefreshOutcome.Failed("later", "claims", OAuthError.TemporarilyUnavailable), box, Token));
    }

    [Fact]
    public async Task Those_who_come_meanwhile_share_what_is_under_way_and_the_next_one_begins_anew()
    {
        var gate = new TaskCompletionSource<RefreshAnswer>();
        var runs = 0;
        Task<RefreshAnswer> Work()
        {
            runs++;
            return gate.Task;
        }

        var first = _here.ShareAsync(Token, Work);
        var second = _here.ShareAsync(Token, Work);
        gate.SetResult(new RefreshAnswer(Renewed, false));
        Assert.Equal((false, true), ((await first).IsRepeated, (await second).IsRepeated));
        Assert.Equal(1, runs);
        await _here.ShareAsync(Token, Work);
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task A_failure_is_everybodys_and_keeps_nobody_from_another_try()
    {
        var gate = new TaskCompletionSource<RefreshAnswer>();
        var first = _here.ShareAsync(Token, () => gate.Task);
        var second = _here.ShareAsync(Token, () => gate.Task);
        gate.SetException(new InvalidOperationException("broken"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        await Assert.ThrowsAsync<InvalidOperationException>(() => second);
        var answer = await _here.ShareAsync(Token, () => Task.FromResult(new RefreshAnswer(Renewed, false)));
        Assert.Equal(Renewed, answer.Outcome);
    }

    [Fact]
    public void What_the_store_has_not_taken_is_kept_until_its_time_is_over()
    {
        var now = _clock.GetUtcNow();
        var record = new RefreshRecord(Token, true, [9], now + OneRefresh.Remembered, now + RefreshTokens.MaxAge);
        _here.Keep(record);
        Assert.Same(record, _here.Find(Token));
        _clock.Advance(OneRefresh.Remembered);
        Assert.Null(_here.Find(Token));
    }

    [Fact]
    public async Task An_outage_is_told_once_and_its_end()
    {
        _here.SayStoreAnswers();
        _here.SayStoreIsAway(new TimeoutException("gone"));
        _here.SayStoreIsAway(new TimeoutException("gone"));
        _here.SayStoreAnswers();
        await _log.LineAsync("store: refresh tokens are recognised again");
        Assert.Single(_log.Lines, line => line.Contains("sessions are renewed without it", StringComparison.Ordinal));
    }

    private static SealedBox Box(string secret) => new(new SessionSecrets([new Secret(secret)]));
}
