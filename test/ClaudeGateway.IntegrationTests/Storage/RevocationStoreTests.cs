using ClaudeGateway.Sessions;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class RevocationStoreTests
{
    private const string Topic = "topic";

    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_was_revoked_is_known_after_a_restart(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var before = new RevocationStore(store.Database, new Revocations(TimeProvider.System), TimeProvider.System);
        await before.RevokeAsync(Bearer("t1", "s1"));
        await before.RevokeAsync(Bearer("t2", null));
        await before.SignOutAsync("bob");

        var revocations = new Revocations(TimeProvider.System);
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        await using var sync = new RevocationSync(
            new RevocationStore(store.Database, revocations, TimeProvider.System),
            revocations,
            replicas,
            TimeProvider.System,
            store.Log);
        await sync.StartAsync();
        Assert.True(revocations.Covers(Bearer("t9", "s1")));
        Assert.True(revocations.Covers(Bearer("t2", null)));
        Assert.True(revocations.Covers(Bearer("t9", "s9") with { Sub = "bob" }));
        Assert.False(revocations.Covers(Bearer("t9", "s9")));
    }

    [Fact]
    public async Task Another_replica_hears_of_it_at_once_through_the_announcement()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        replicas.Start();
        await store.Captured.LineAsync("store: hearing of other replicas");
        await HearsAsync(replicas, store.Database);
    }

    [Fact]
    public async Task What_is_announced_while_nobody_waits_ends_the_next_wait_at_once()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        var busy = replicas.Announced(Topic);
        replicas.Start();
        await store.Captured.LineAsync("store: hearing of other replicas");
        await AnnounceAsync(store.Database);
        // Another topic, announced later, comes later on the same connection.
        await HearsAsync(replicas, store.Database, "later");
        Assert.Equal(busy + 1, await replicas.WaitAsync(Topic, busy, TimeSpan.Zero, CancellationToken.None));
    }

    [Fact]
    public async Task A_handler_that_fails_ends_the_epoch_and_listening_begins_anew()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        replicas.On(Topic, (_, text) => throw new InvalidDataException(text));
        replicas.Start();
        await store.Captured.LineCountAsync("store: hearing of other replicas", 1);
        var before = replicas.Epoch;
        await AnnounceAsync(store.Database, new ReplicaMessage(Topic, "other", "unreadable"));
        await store.Captured.LineAsync("news of another replica about topic could not be used");
        await store.Captured.LineCountAsync("store: hearing of other replicas", 2);
        Assert.True(replicas.Epoch > before, $"epoch {replicas.Epoch} after {before}");
    }

    [Fact]
    public async Task Listening_that_ends_in_any_way_ends_the_epoch()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        replicas.Start();
        await store.Captured.LineAsync("store: hearing of other replicas");
        Assert.NotEqual(0, replicas.Epoch);
        await replicas.DisposeAsync();
        Assert.Equal(0, replicas.Epoch);
    }

    [Fact]
    public async Task Announcements_are_heard_again_after_the_connection_was_cut()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        replicas.Start();
        for (var i = 1; i <= 3; i++)
        {
            await store.Captured.LineCountAsync("store: hearing of other replicas", i);
            await HearsAsync(replicas, store.Database);
            relay.Cut();
        }
    }

    /// <summary>Announces the topic and fails unless that is heard.</summary>
    private static async Task HearsAsync(ReplicaChannel replicas, Database database, string topic = Topic)
    {
        var before = replicas.Announced(topic);
        await AnnounceAsync(database, new ReplicaMessage(topic));
        Assert.Equal(before + 1, await replicas.WaitAsync(topic, before, Signal.Timeout, CancellationToken.None));
    }

    private static Task<bool> AnnounceAsync(Database database, ReplicaMessage? message = null) =>
        database.InTransactionAsync(async transaction =>
        {
            await transaction.NotifyAsync(message ?? new ReplicaMessage(Topic));
            return true;
        });

    private static Principal Bearer(string token, string? session) => new("alice", null, null, [])
    {
        ExpiresAt = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1),
        IssuedAt = TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(1),
        TokenId = token,
        SessionId = session,
    };
}
