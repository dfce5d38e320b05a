using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class DatabaseTests
{
    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Values_come_back_as_they_went_in(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (n bigint, i int, s text, b bytea, o boolean)");
        await store.Database.ExecuteAsync(
            "INSERT INTO t VALUES ($1, $2, $3, $4, $5)",
            long.MaxValue,
            7,
            "ä'\"\n\\ $1",
            new byte[] { 0, 255, 39 },
            true);
        await store.Database.ExecuteAsync("INSERT INTO t VALUES ($1, $2, $3, $4, $5)", null, null, null, null, null);
        var rows = await store.Database.AllAsync(
            "SELECT n, i, s, b, o FROM t ORDER BY n IS NULL",
            row => row.IsDBNull(0) ? null : new
            {
                N = row.GetInt64(0),
                I = row.GetInt32(1),
                S = row.GetString(2),
                B = row.GetFieldValue<byte[]>(3),
                O = row.GetBoolean(4),
            });
        Assert.Equal((long.MaxValue, 7, "ä'\"\n\\ $1", true), (rows[0]!.N, rows[0]!.I, rows[0]!.S, rows[0]!.O));
        Assert.Equal([0, 255, 39], rows[0]!.B);
        Assert.Null(rows[1]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_transaction_that_throws_leaves_nothing_behind(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (n int)");
        await Assert.ThrowsAsync<InvalidDataException>(
            () => store.Database.InTransactionAsync<bool>(async transaction =>
        {
            await transaction.ExecuteAsync("INSERT INTO t VALUES (1)");
            throw new InvalidDataException();
        }));
        Assert.Empty(await store.Database.AllAsync("SELECT n FROM t", row => row.GetInt32(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Many_rows_go_in_with_one_call(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (n int PRIMARY KEY, s text)");
        await store.Database.InTransactionAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync(
                "INSERT INTO t VALUES ($1, $2)", Enumerable.Range(0, 500).Select(object?[] (i) => [i, $"row {i}"]));
            await transaction.ExecuteManyAsync("INSERT INTO t VALUES ($1, $2)", []);
            return true;
        });
        Assert.Equal(500, await store.Database.FirstAsync("SELECT count(*) FROM t", row => row.GetInt64(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Writers_that_collide_all_get_their_turn(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (id int PRIMARY KEY, n int)");
        await store.Database.ExecuteAsync("INSERT INTO t VALUES (1, 0)");
        await Task.WhenAll(
            Enumerable.Range(0, 50)
            .Select(_ => Task.Run(() => store.Database.ExecuteAsync("UPDATE t SET n = n + 1 WHERE id = 1"))));
        Assert.Equal(50, await store.Database.FirstAsync("SELECT n FROM t", row => row.GetInt32(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_wrong_statement_is_a_bug_and_not_an_outage(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => store.Database.ExecuteAsync("SELEKT 1"));
    }

    [Theory]
    [InlineData(TestStore.Postgres, "SET default_transaction_read_only = on")]
    [InlineData(TestStore.Sqlite, "PRAGMA query_only = ON")]
    public async Task A_pooled_session_that_can_only_read_is_replaced(string kind, string statement)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (n int)");
        await store.Database.ExecuteAsync(statement);
        await store.Database.ExecuteAsync("INSERT INTO t VALUES (1)");
        await store.Database.ExecuteAsync(statement);
        await store.Database.ExecuteOnceAsync("INSERT INTO t VALUES (1)");
        await store.Database.ExecuteAsync(statement);
        Assert.Null(await store.Database.ObstacleAsync());
        await store.Database.ExecuteAsync(statement);
        await store.Database.InTransactionAsync(transaction => transaction.ExecuteAsync("INSERT INTO t VALUES (1)"));
        Assert.Equal(3, await store.Database.FirstAsync("SELECT count(*) FROM t", row => row.GetInt64(0)));
    }

    [Fact]
    public async Task A_statement_whose_caller_was_told_that_time_is_over_never_takes_effect()
    {
        var clock = new ManualTimeProvider();
        await using var store = await TestStore.OpenAsync(TestStore.Postgres, clock);
        await using var other = await store.AnotherPlainAsync();
        await store.Database.ExecuteAsync("CREATE TABLE t (n int)");
        await store.Database.ExecuteAsync("INSERT INTO t VALUES (0)");
        Task<int> late = null!;
        await other.InTransactionAsync(async transaction =>
        {
            await transaction.ExecuteAsync("UPDATE t SET n = 1");
            late = store.Database.ExecuteOnceAsync("UPDATE t SET n = n + 10");
            await WaitingAsync(transaction);
            clock.Advance(Database.DefaultTimeout);
            var told = await Assert.ThrowsAsync<StoreUnavailableException>(() => late);
            Assert.IsNotType<StoreOutcomeUnknownException>(told);
            return true;
        });
        // Queues behind whatever is left of the late statement.
        const string queued = "SELECT n FROM t FOR UPDATE";
        Assert.Equal(1, await other.InTransactionAsync(on => on.FirstAsync(queued, row => row.GetInt32(0))));
    }

    [Fact]
    public async Task A_commit_that_is_on_its_way_is_waited_for_past_the_time_limit()
    {
        var clock = new ManualTimeProvider();
        await using var store = await TestStore.OpenAsync(TestStore.Postgres, clock);
        await using var other = await store.AnotherPlainAsync();
        await CommitsWaitAsync(store.Database);
        Task<int> slow = null!;
        await other.InTransactionAsync(async transaction =>
        {
            await transaction.FirstAsync("SELECT pg_advisory_xact_lock(1)", _ => true);
            slow = store.Database.ExecuteOnceAsync("INSERT INTO t VALUES (1)");
            await WaitingAsync(transaction);
            clock.Advance(Database.DefaultTimeout);
            Assert.False(slow.IsCompleted);
            return true;
        });
        Assert.Equal(1, await slow.WaitAsync(Signal.Timeout));
    }

    [Fact]
    public async Task A_commit_that_stays_silent_has_an_unknown_outcome()
    {
        var clock = new ManualTimeProvider();
        await using var store = await TestStore.OpenAsync(TestStore.Postgres, clock);
        await using var other = await store.AnotherPlainAsync();
        await CommitsWaitAsync(store.Database);
        await other.InTransactionAsync(async transaction =>
        {
            await transaction.FirstAsync("SELECT pg_advisory_xact_lock(1)", _ => true);
            var slow = store.Database.ExecuteOnceAsync("INSERT INTO t VALUES (1)");
            await WaitingAsync(transaction);
            clock.Advance(Database.DefaultTimeout);
            clock.Advance(Database.DefaultTimeout);
            await Assert.ThrowsAsync<StoreOutcomeUnknownException>(() => slow.WaitAsync(Signal.Timeout));
            return true;
        });
    }

    [Fact]
    public async Task After_a_commit_without_confirmation_only_what_is_repeatable_is_repeated()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        await store.Database.ExecuteAsync("CREATE TABLE t (n int)");

        var lost = relay.LoseNextCommitAnswer();
        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(
            () => store.Database.ExecuteOnceAsync("INSERT INTO t VALUES (1)"));
        await lost.WaitAsync(Signal.Timeout);
        lost = relay.LoseNextCommitAnswer();
        await store.Database.InRepeatableTransactionAsync(on => on.ExecuteAsync("INSERT INTO t VALUES (2)"));
        await lost.WaitAsync(Signal.Timeout);

        Assert.Equal([1, 2, 2], await store.Database.AllAsync("SELECT n FROM t ORDER BY n", row => row.GetInt32(0)));
    }

    [Fact]
    public async Task What_may_hold_is_not_said_to_have_failed_when_it_cannot_be_repeated()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(direct.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, direct);
        await store.Database.ExecuteAsync("CREATE TABLE t (n int)");

        var lost = relay.LoseNextCommitAnswer(andGoAway: true);
        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(() =>
            store.Database.InRepeatableTransactionAsync(on => on.ExecuteAsync("INSERT INTO t VALUES (1)")));
        await lost.WaitAsync(Signal.Timeout);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Text_that_no_store_takes_is_replaced_in_every_parameter(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("CREATE TABLE t (s text)");
        await store.Database.ExecuteAsync("INSERT INTO t VALUES ($1)", "a\0b");
        await store.Database.InTransactionAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync("INSERT INTO t VALUES ($1)", [["a\ud800b"]]);
            return true;
        });
        var found = await store.Database.AllAsync("SELECT s FROM t WHERE s = $1", row => row.GetString(0), "a\0b");
        Assert.Equal(["a\ufffdb", "a\ufffdb"], found);
    }

    [Fact]
    public async Task A_database_that_has_gone_silent_fails_a_statement_within_its_time_limit()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new ClaudeGateway.Testing.TcpRelay(direct.Port);
        var config = new ClaudeGateway.Config.StoreConfig
        {
            PostgresUrl = new ClaudeGateway.Config.Secret(
            new UriBuilder(direct) { Port = relay.Port }.ToString())
        };
        await using var store = await TestStore.OpenAsync(config);
        relay.FallSilent();

        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Database.ExecuteAsync("SELECT 1"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Database.ExecuteAsync("SELECT 1"));
        Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(25));

        relay.SpeakAgain();
        Assert.Null(await store.Database.ObstacleAsync());
    }

    [Fact]
    public async Task Connections_that_died_in_the_pool_cost_no_request_anything()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new ClaudeGateway.Testing.TcpRelay(direct.Port);
        var config = new ClaudeGateway.Config.StoreConfig
        {
            PostgresUrl = new ClaudeGateway.Config.Secret(
            new UriBuilder(direct) { Port = relay.Port }.ToString())
        };
        await using var store = await TestStore.OpenAsync(config);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => store.Database.ExecuteAsync("SELECT pg_sleep(0.05)")));
        relay.Cut();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => store.Database.ExecuteAsync("SELECT 1")));
        relay.Cut();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => store.Database.ExecuteOnceAsync("SELECT 1")));
    }

    /// <summary>Every COMMIT of an INSERT into a new table waits for the advisory lock 1.</summary>
    private static async Task CommitsWaitAsync(Database database)
    {
        await database.ExecuteAsync("CREATE TABLE t (n int)");
        await database.ExecuteAsync("""
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'
            """);
        await database.ExecuteAsync("""
            CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait()
            """);
    }

    /// <summary>Returns once another session waits for a lock of this transaction.</summary>
    private static async Task WaitingAsync(DatabaseTransaction transaction)
    {
        const string somebodyWaits = """
            SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
            """;
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        while (!await transaction.FirstAsync(somebodyWaits, row => row.GetBoolean(0)))
        {
            timeout.Token.ThrowIfCancellationRequested();
        }
    }
}
