using System.Net;
using ClaudeGateway.Composition;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class DeviceGrantStoreTests
{
    private static readonly byte[] Identity = [1, 2, 3];
    private readonly ManualTimeProvider _clock = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_approved_grant_is_handed_out_once_whoever_asks(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        Assert.NotNull(await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity));
        var results = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(_ => Task.Run(() => grants.ConsumeAsync(grant.DeviceCode))));
        Assert.Equal(Identity, Assert.Single(results.OfType<PollResult.Approved>()).SealedIdentity);
        Assert.Equal(9, results.OfType<PollResult.Unknown>().Count());
    }

    [Fact]
    public async Task A_grant_whose_consumption_was_not_confirmed_is_still_handed_to_its_device()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        var approval = relay.LoseNextCommitAnswer();
        Assert.NotNull(await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity));
        await approval.WaitAsync(Signal.Timeout);

        var poll = relay.LoseNextCommitAnswer();
        var approved = Assert.IsType<PollResult.Approved>(await grants.ConsumeAsync(grant.DeviceCode));
        Assert.Equal(Identity, approved.SealedIdentity);
        await poll.WaitAsync(Signal.Timeout);
        Assert.IsType<PollResult.Unknown>(await grants.ConsumeAsync(grant.DeviceCode));
    }

    [Fact]
    public async Task A_grant_that_was_consumed_while_the_store_went_away_is_handed_out_by_the_next_poll()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity);
        relay.LoseEveryCommitAnswer();
        await Assert.ThrowsAnyAsync<StoreUnavailableException>(() => grants.ConsumeAsync(grant.DeviceCode));
        relay.KeepAnswers();
        var approved = Assert.IsType<PollResult.Approved>(await grants.ConsumeAsync(grant.DeviceCode));
        Assert.Equal(Identity, approved.SealedIdentity);
        Assert.IsType<PollResult.Unknown>(await grants.ConsumeAsync(grant.DeviceCode));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_denial_is_told_once(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        Assert.Equal("192.0.2.1", (await grants.DenyAsync(grant.UserCode))!.Address);
        Assert.IsType<PollResult.Denied>(await grants.ConsumeAsync(grant.DeviceCode));
        Assert.IsType<PollResult.Unknown>(await grants.ConsumeAsync(grant.DeviceCode));
        Assert.Null(await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Of_approval_and_denial_the_first_wins(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity);
        Assert.Null(await grants.DenyAsync(grant.UserCode));
        await grants.DenyAsync(DeviceCodes.Hash(grant.DeviceCode));
        Assert.IsType<PollResult.Approved>(await grants.ConsumeAsync(grant.DeviceCode));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Polls_closer_than_the_interval_are_too_soon_and_do_not_push_the_next_one_away(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        Assert.IsType<PollResult.Pending>(await grants.ConsumeAsync(grant.DeviceCode));
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.IsType<PollResult.TooSoon>(await grants.ConsumeAsync(grant.DeviceCode));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<PollResult.Pending>(await grants.ConsumeAsync(grant.DeviceCode));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task After_ten_minutes_nothing_of_a_grant_is_left(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        var (state, secret) = (DeviceCodes.NewSecret(), DeviceCodes.NewSecret());
        Assert.Equal(
            DeviceCodes.Hash(grant.DeviceCode), await grants.StartAttemptAsync(grant.UserCode, state, secret));
        _clock.Advance(DeviceGrantStore.Lifetime);

        Assert.IsType<PollResult.Unknown>(await grants.ConsumeAsync(grant.DeviceCode));
        Assert.Null(await grants.FindRequestAsync(grant.UserCode));
        Assert.Null(await grants.DenyAsync(grant.UserCode));
        Assert.Null(await grants.FindAttemptAsync(state));
        Assert.False(await grants.ClaimAttemptAsync(state));
        Assert.Null(await grants.StartAttemptAsync(grant.UserCode, DeviceCodes.NewSecret(), secret));
        Assert.Null(await grants.ApproveAsync(DeviceCodes.Hash(grant.DeviceCode), Identity));

        _clock.Advance(TimeSpan.FromSeconds(1));
        await new ExpirySweep(store.Database, StoreTables.Expiry, _clock, store.Log).SweepAsync();
        Assert.Equal(
            0,
            await store.Database.FirstAsync(
                "SELECT (SELECT count(*) FROM gw_device_grant) + (SELECT count(*) FROM gw_sign_in_attempt)",
                row => row.GetInt64(0)));
    }

    [Fact]
    public async Task The_sweep_leaves_a_row_to_whoever_is_writing_it_and_waits_for_nobody()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        await using var other = await store.AnotherPlainAsync();
        await store.Database.ExecuteAsync("INSERT INTO gw_rate_limit VALUES ('held', 1, 0), ('over', 1, 0)");
        var sweep = new ExpirySweep(store.Database, StoreTables.Expiry, _clock, store.Log);

        await other.InTransactionAsync(async on =>
        {
            await on.ExecuteAsync("UPDATE gw_rate_limit SET hits = 2 WHERE bucket = 'held'");
            await sweep.SweepAsync().WaitAsync(Database.DefaultTimeout / 2, TimeProvider.System);
            return true;
        });

        Assert.Equal(
            ["held"],
            await store.Database.AllAsync("SELECT bucket FROM gw_rate_limit", row => row.GetString(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Of_two_that_bring_the_same_callback_one_may_redeem_it(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        var state = DeviceCodes.NewSecret();
        await grants.StartAttemptAsync(grant.UserCode, state, DeviceCodes.NewSecret());
        var claims = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(_ => Task.Run(() => grants.ClaimAttemptAsync(state))));
        Assert.Single(claims, claimed => claimed);
        await grants.ReleaseAttemptAsync(state);
        Assert.True(await grants.ClaimAttemptAsync(state));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_callback_for_a_grant_that_no_longer_waits_is_not_redeemed(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        var state = DeviceCodes.NewSecret();
        await grants.StartAttemptAsync(grant.UserCode, state, DeviceCodes.NewSecret());
        await grants.DenyAsync(grant.UserCode);
        Assert.False(await grants.ClaimAttemptAsync(state));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_store_holds_no_code_state_or_cookie_in_the_clear(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var grants = new DeviceGrantStore(store.Database, _clock);
        var grant = await CreateAsync(grants);
        var (state, secret) = (DeviceCodes.NewSecret(), DeviceCodes.NewSecret());
        await grants.StartAttemptAsync(grant.UserCode, state, secret);
        var rows = await store.Database.AllAsync("SELECT * FROM gw_device_grant", Describe);
        rows.AddRange(await store.Database.AllAsync("SELECT * FROM gw_sign_in_attempt", Describe));
        foreach (var value in new[] { grant.DeviceCode, grant.UserCode, state, secret })
        {
            Assert.DoesNotContain(value, string.Concat(rows), StringComparison.Ordinal);
        }
    }

    private static Task<DeviceGrant> CreateAsync(DeviceGrantStore grants) =>
        grants.CreateAsync(IPAddress.Parse("192.0.2.1"), "claude-code/2", "claude_code");

    private static string Describe(System.Data.Common.DbDataReader row) => string.Join(
        '|',
        Enumerable.Range(0, row.FieldCount).Select(
            i =>
                row.GetValue(i) is byte[] bytes
                ? System.Text.Encoding.Latin1.GetString(bytes)
                : row.GetValue(i).ToString()));
}
