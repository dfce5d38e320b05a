using ClaudeGateway.Composition;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class RefreshStoreTests
{
    private static readonly byte[] Token = [1, 2, 3];

    private readonly ManualTimeProvider _clock = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Of_twenty_who_come_at_once_one_takes_the_token(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var states = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => Of(store, $"replica-{i}").TakeAsync(Token, Expires, null)));
        Assert.Single(states, state => state is RefreshState.Taken);
        Assert.Equal(19, states.Count(state => state is RefreshState.Held));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_lease_without_a_sign_of_life_is_taken_over_by_one_and_a_living_one_is_not(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Of(store, "a").TakeAsync(Token, Expires, null);
        var seen = Assert.IsType<RefreshState.Held>(await Of(store, "b").TakeAsync(Token, Expires, null)).Lease;
        _clock.Advance(TimeSpan.FromSeconds(5));
        await Of(store, "a").BeatAsync(Token);
        var after = Assert.IsType<RefreshState.Held>(await Of(store, "b").TakeAsync(Token, Expires, seen)).Lease;
        Assert.Equal("a", after.Holder);
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.IsType<RefreshState.Taken>(await Of(store, "b").TakeAsync(Token, Expires, after));
        Assert.IsType<RefreshState.Held>(await Of(store, "c").TakeAsync(Token, Expires, after));
        // The one who was away has nothing to give back any more.
        await Of(store, "a").ReleaseAsync(Token);
        Assert.IsType<RefreshState.Held>(await Of(store, "c").TakeAsync(Token, Expires, null));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_token_given_back_is_anybodys_and_a_process_takes_its_own_lease_again(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Of(store, "a").TakeAsync(Token, Expires, null);
        Assert.IsType<RefreshState.Taken>(await Of(store, "a").TakeAsync(Token, Expires, null));
        await Of(store, "a").ReleaseAsync(Token);
        Assert.IsType<RefreshState.Taken>(await Of(store, "b").TakeAsync(Token, Expires, null));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_outcome_is_remembered_for_two_minutes_and_the_token_is_used_as_long_as_it_lives(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Of(store, "a").TakeAsync(Token, Expires, null);
        Assert.Null(await Of(store, "a").RememberAsync(Outcome(true, [7])));
        Assert.Equal(
            [7], Assert.IsType<RefreshState.Remembered>(await Of(store, "b").TakeAsync(Token, Expires, null)).Sealed);
        _clock.Advance(OneRefresh.Remembered);
        Assert.IsType<RefreshState.Used>(await Of(store, "b").TakeAsync(Token, Expires, null));

        _clock.Advance(TimeSpan.FromSeconds(1));
        await SweepAsync(store);
        Assert.Equal(1, await CountAsync(store, "sealed_outcome IS NULL"));
        Assert.IsType<RefreshState.Used>(await Of(store, "b").TakeAsync(Token, Expires, null));
        _clock.Advance(TimeSpan.FromDays(182));
        await SweepAsync(store);
        Assert.Equal(0, await CountAsync(store, "true"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_first_outcome_holds_but_a_success_before_a_refusal(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        Assert.Null(await Of(store, "a").RememberAsync(Outcome(false, [1])));
        Assert.Equal([1], await Of(store, "b").RememberAsync(Outcome(false, [2])));
        Assert.Null(await Of(store, "b").RememberAsync(Outcome(true, [3])));
        // Written a second time, as after a lost connection.
        Assert.Null(await Of(store, "b").RememberAsync(Outcome(true, [3])));
        Assert.Equal([3], await Of(store, "a").RememberAsync(Outcome(true, [4])));
        Assert.Equal([3], await Of(store, "a").RememberAsync(Outcome(false, [5])));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_sweep_takes_a_dead_lease_away_and_leaves_a_living_one(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Of(store, "a").TakeAsync(Token, Expires, null);
        _clock.Advance(TimeSpan.FromMinutes(9));
        await SweepAsync(store);
        Assert.Equal(1, await CountAsync(store, "true"));
        _clock.Advance(TimeSpan.FromMinutes(2));
        await SweepAsync(store);
        Assert.Equal(0, await CountAsync(store, "true"));
    }

    private DateTimeOffset Expires => _clock.GetUtcNow() + TimeSpan.FromDays(181);

    private RefreshStore Of(TestStore store, string holder) => new(store.Database, holder, _clock);

    private RefreshRecord Outcome(bool isRenewed, byte[] text) =>
        new(Token, isRenewed, text, _clock.GetUtcNow() + OneRefresh.Remembered, Expires);

    private Task SweepAsync(TestStore store) =>
        new ExpirySweep(store.Database, StoreTables.Expiry, _clock, store.Log).SweepAsync();

    private static Task<long> CountAsync(TestStore store, string condition) =>
        store.Database.FirstAsync($"SELECT count(*) FROM gw_refresh WHERE {condition}", row => row.GetInt64(0));
}
