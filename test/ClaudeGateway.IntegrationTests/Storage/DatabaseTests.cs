using ClaudeGateway.Config;
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
        await store.Database.ExecuteAsync("INSERT INTO t VALUES ($1, $2, $3, $4, $5)", long.MaxValue, 7, "ä'\"\n\\ $1", new byte[] { 0, 255, 39 }, true);
        await store.Database.ExecuteAsync("INSERT INTO t VALUES ($1, $2, $3, $4, $5)", null, null, null, null, null);
        var rows = await store.Database.AllAsync(
            "SELECT n, i, s, b, o FROM t ORDER BY n IS NULL",
            row => row.IsDBNull(0) ? null : new { N = row.GetInt64(0), I = row.GetInt32(1), S = row.GetString(2), B = row.GetFieldValue<byte[]>(3), O = row.GetBoolean(4) });
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
        await Assert.ThrowsAsync<InvalidDataException>(() => store.Database.InTransactionAsync<bool>(async transaction =>
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
            await transaction.ExecuteManyAsync("INSERT INTO t VALUES ($1, $2)", Enumerable.Range(0, 500).Select(object?[] (i) => [i, $"row {i}"]));
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
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => store.Database.ExecuteAsync("UPDATE t SET n = n + 1 WHERE id = 1"))));
        Assert.Equal(50, await store.Database.FirstAsync("SELECT n FROM t", row => row.GetInt32(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_wrong_statement_is_a_bug_and_not_an_outage(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => store.Database.ExecuteAsync("SELEKT 1"));
    }

    [Fact]
    public async Task A_database_that_has_gone_silent_fails_a_statement_within_its_time_limit()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new ClaudeGateway.Testing.TcpRelay(direct.Port);
        var config = new ClaudeGateway.Config.StoreConfig { PostgresUrl = new ClaudeGateway.Config.Secret(new UriBuilder(direct) { Port = relay.Port }.ToString()) };
        await using var store = await TestStore.OpenAsync(config);
        relay.FallSilent();

        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Database.ExecuteAsync("SELECT 1"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Database.ExecuteAsync("SELECT 1"));
        Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(25));

        relay.SpeakAgain();
        Assert.True(await store.Database.AnswersAsync());
    }

    [Fact]
    public async Task Connections_that_died_in_the_pool_cost_no_request_anything()
    {
        var direct = new Uri((await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal());
        await using var relay = new ClaudeGateway.Testing.TcpRelay(direct.Port);
        var config = new ClaudeGateway.Config.StoreConfig { PostgresUrl = new ClaudeGateway.Config.Secret(new UriBuilder(direct) { Port = relay.Port }.ToString()) };
        await using var store = await TestStore.OpenAsync(config);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => store.Database.ExecuteAsync("SELECT pg_sleep(0.05)")));
        relay.Cut();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => store.Database.ExecuteAsync("SELECT 1")));
    }
}
