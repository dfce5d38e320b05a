using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Sessions;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

public sealed class MachineRegisterTests
{
    private readonly ManualTimeProvider _clock = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Machines_are_counted_by_their_last_version(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var register = Register(store, store.Database);
        var start = _clock.GetUtcNow();
        for (var i = 0; i < 1500; i++)
        {
            See(register, $"machine-{i}", '1');
        }

        await register.FlushAsync();
        _clock.Advance(TimeSpan.FromMinutes(5));
        See(register, "machine-7", '2');

        Assert.Equal(
            [
                new VersionCount("111111111111", 1499, start, start),
                new VersionCount("222222222222", 1, start.AddMinutes(5), start.AddMinutes(5))],
            await register.CountAsync(start, 10));
        Assert.Equal("222222222222", Assert.Single(await register.CountAsync(start.AddMinutes(1), 10)).Version);
        Assert.Equal("111111111111", Assert.Single(await register.CountAsync(start, 1)).Version);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_newer_sighting_wins_whichever_replica_writes_last(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var other = await store.AnotherPlainAsync();
        await using var one = Register(store, store.Database);
        await using var two = Register(store, other);
        See(two, "machine", '1');
        _clock.Advance(TimeSpan.FromSeconds(5));
        See(one, "machine", '2');
        await one.FlushAsync();

        var seen = Assert.Single(await two.CountAsync(DateTimeOffset.UnixEpoch, 10));

        Assert.Equal(("222222222222", 1L), (seen.Version, seen.Machines));
    }

    [Fact]
    public async Task Replicas_that_write_the_same_machines_at_once_do_not_hinder_each_other()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        await using var other = await store.AnotherPlainAsync();
        await using var one = Register(store, store.Database);
        await using var two = Register(store, other);
        for (var round = 1; round <= 5; round++)
        {
            for (var i = 0; i < 1000; i++)
            {
                See(one, $"machine-{i}", (char)('0' + round));
                See(two, $"machine-{999 - i}", (char)('0' + round));
            }

            await Task.WhenAll(one.FlushAsync(), two.FlushAsync());
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(1000, Assert.Single(await one.CountAsync(DateTimeOffset.UnixEpoch, 10)).Machines);
    }

    [Fact]
    public async Task What_is_seen_while_the_store_is_silent_is_written_when_it_speaks_again()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenAsync(
            new StoreConfig { PostgresUrl = new Secret(new UriBuilder(direct) { Port = relay.Port }.ToString()) });
        await using var register = Register(store, store.Database);
        See(register, "a", '1');
        await register.FlushAsync();

        relay.FallSilent();
        See(register, "b", '1');
        await Assert.ThrowsAsync<StoreUnavailableException>(register.FlushAsync);
        See(register, "c", '1');
        relay.SpeakAgain();

        Assert.Equal(3, Assert.Single(await register.CountAsync(DateTimeOffset.UnixEpoch, 10)).Machines);
    }

    [Fact]
    public async Task Stopping_writes_what_was_seen()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Sqlite);
        await using (var stopping = Register(store, store.Database))
        {
            stopping.Start();
            See(stopping, "a", '1');
        }

        await using var next = Register(store, store.Database);
        Assert.Single(await next.CountAsync(DateTimeOffset.UnixEpoch, 10));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_the_store_refuses_is_kept_whatever_the_reason(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var register = Register(store, store.Database);
        See(register, "a", '1');
        await store.Database.ExecuteAsync("ALTER TABLE gw_machine RENAME TO away");
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(register.FlushAsync);
        await store.Database.ExecuteAsync("ALTER TABLE away RENAME TO gw_machine");
        Assert.Single(await register.CountAsync(DateTimeOffset.UnixEpoch, 10));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_machine_unseen_for_thirty_days_is_swept(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var register = Register(store, store.Database);
        var sweep = new ExpirySweep(store.Database, StoreTables.Expiry, _clock, store.Log);
        See(register, "old", '1');
        await register.FlushAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        See(register, "young", '2');
        await register.FlushAsync();
        _clock.Advance(TimeSpan.FromDays(29));
        await sweep.SweepAsync();
        Assert.Equal(2, (await register.CountAsync(DateTimeOffset.UnixEpoch, 10)).Count);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await sweep.SweepAsync();
        Assert.Equal("222222222222", Assert.Single(await register.CountAsync(DateTimeOffset.UnixEpoch, 10)).Version);
        await sweep.DisposeAsync();
    }

    private MachineRegister Register(TestStore store, Database database) => new(database, _clock, store.Log);

    private static void See(MachineRegister register, string session, char digit) => register.Seen.See(
        new Principal("alice", null, null, []) { ExpiresAt = DateTimeOffset.MaxValue, SessionId = session },
        "sha256:" + new string(digit, 64));
}
