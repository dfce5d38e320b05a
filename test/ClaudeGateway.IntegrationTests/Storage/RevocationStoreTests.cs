using ClaudeGateway.Sessions;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class RevocationStoreTests
{
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
        await using var sync = new RevocationSync(new RevocationStore(store.Database, revocations, TimeProvider.System), revocations, replicas, TimeProvider.System, store.Log);
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
        var heard = replicas.WaitAsync("topic", Signal.Timeout, CancellationToken.None);
        // Announced until heard: listening begins in the background.
        while (!heard.IsCompleted)
        {
            await store.Database.InTransactionAsync(async transaction =>
            {
                await transaction.NotifyAsync("topic");
                return true;
            });
            await Task.WhenAny(heard, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None));
        }
    }

    [Fact]
    public async Task Announcements_are_heard_again_after_the_connection_was_cut()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenAsync(new Config.StoreConfig { PostgresUrl = new Config.Secret(new UriBuilder(direct) { Port = relay.Port }.ToString()) });
        await using var replicas = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        replicas.Start();
        for (var i = 0; i < 2; i++)
        {
            var heard = replicas.WaitAsync("topic", Signal.Timeout, CancellationToken.None);
            while (!heard.IsCompleted)
            {
                await store.Database.InTransactionAsync(async transaction =>
                {
                    await transaction.NotifyAsync("topic");
                    return true;
                });
                await Task.WhenAny(heard, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None));
            }

            relay.Cut();
        }
    }

    private static Principal Bearer(string token, string? session) => new("alice", null, null, [])
    {
        ExpiresAt = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1),
        IssuedAt = TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(1),
        TokenId = token,
        SessionId = session,
    };
}
