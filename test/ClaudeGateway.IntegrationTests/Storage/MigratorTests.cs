using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class MigratorTests
{
    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Replicas_that_start_together_apply_each_migration_once(string kind)
    {
        var config = await TestStore.ConfigAsync(kind);
        var stores = await Task.WhenAll(Enumerable.Range(0,
            4).Select(_ => Task.Run(() => TestStore.OpenAsync(config))));
        Assert.Equal(
            StoreTables.Migrations.Select(m => m.Id),
            await stores[0].Database.AllAsync("SELECT id FROM gw_migration ORDER BY id", row => row.GetInt32(0)));
        foreach (var store in stores[1..])
        {
            await store.Database.DisposeAsync();
        }

        await stores[0].DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_failing_migration_leaves_the_schema_as_it_was(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var migrator = new Migrator(store.Database, TimeProvider.System, store.Log);
        Migration[] bad = [
            new(1001, "good", "CREATE TABLE kept (n int)"), new(1002, "bad", "CREATE TABLE broken (n int); SELEKT 1")];
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => migrator.RunAsync(bad));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(
            () => store.Database.ExecuteAsync("INSERT INTO kept VALUES (1)"));
        await migrator.RunAsync([bad[0]]);
        await store.Database.ExecuteAsync("INSERT INTO kept VALUES (1)");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_newer_schema_is_left_alone_so_that_a_rollback_works(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync("INSERT INTO gw_migration VALUES (9999, 'from the future', 0)");
        await using var older = await store.AnotherPlainAsync();
        Assert.Null(await older.ObstacleAsync());
    }

    [Fact]
    public async Task An_up_to_date_schema_needs_no_right_to_create_tables()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        var role = "limited_" + Guid.NewGuid().ToString("N")[..8];
        await store.Database.ExecuteAsync($"CREATE ROLE {role} LOGIN");
        await store.Database.ExecuteAsync("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        await store.Database.ExecuteAsync(
            $"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}");
        var config = store.Config with { Username = role };
        await using var limited = await TestStore.OpenAsync(config);
        Assert.Null(await limited.Database.ObstacleAsync());
    }

    [Fact]
    public async Task Without_the_right_to_create_tables_boot_says_so_and_names_the_key()
    {
        var config = await TestStore.ConfigAsync(TestStore.Postgres);
        var role = "limited_" + Guid.NewGuid().ToString("N")[..8];
        await using (var admin = NpgsqlDataSource.Create(PostgresUrl.Parse(config).Settings))
        {
            await admin.CreateCommand($"CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
                .ExecuteNonQueryAsync();
        }

        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => TestStore.OpenAsync(config with { Username = role }));
        Assert.Contains("permission denied for schema public", failure.Message, StringComparison.Ordinal);
        Assert.Contains("store.postgres_url in gateway.yaml", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_database_is_named_and_not_waited_for()
    {
        var url = (await TestStore.ConfigAsync(TestStore.Postgres)).PostgresUrl!.Reveal();
        var start = TimeProvider.System.GetTimestamp();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => TestStore.OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret(url[..(url.LastIndexOf('/') + 1)] + "nowhere"),
        }));
        Assert.Contains("database \"nowhere\" does not exist", failure.Message, StringComparison.Ordinal);
        // Two pauses of two seconds are what waiting for it would take.
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(3.9));
    }

    [Fact]
    public async Task An_unwritable_folder_is_named()
    {
        var failure = await Assert.ThrowsAsync<OperatorException>(() => TestStore.OpenAsync(new StoreConfig
        {
            SqlitePath = "/proc/nowhere/gateway.db",
        }));
        Assert.Contains("/proc/nowhere/gateway.db", failure.Message, StringComparison.Ordinal);
        Assert.Contains("store.sqlite_path", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_embedded_store_is_readable_by_its_owner_only()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Sqlite);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(store.Config.SqlitePath!));
    }
}
