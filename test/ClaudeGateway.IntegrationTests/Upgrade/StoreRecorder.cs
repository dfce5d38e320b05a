using System.Data.Common;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>
/// Runs a program of an earlier version and records what it leaves in its store. Nothing of it runs by itself: a new
/// migration is preceded by a recording of the schema before it (CONTRIBUTING.md).
/// </summary>
public sealed class StoreRecorder : IAsyncDisposable
{
    /// <summary>The claude-gateway.dll to be run.</summary>
    private const string ProgramVariable = "RECORDED_PROGRAM";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    private static string Program => Environment.GetEnvironmentVariable(ProgramVariable)
        ?? throw new InvalidOperationException($"{ProgramVariable} names no program");

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Theory(Explicit = true)]
    [MemberData(nameof(Kinds))]
    public async Task Record(string kind)
    {
        var store = kind == TestStore.Postgres
            ? new StoreConfig { PostgresUrl = new Secret(await PostgresServer.NewDatabaseAsync()) }
            : new StoreConfig { SqlitePath = _folder.File("gateway.db") };
        var state = await DriveAsync(store);
        var content = kind == TestStore.Postgres
            ? await PostgresPrograms.DumpAsync(store.PostgresUrl!.Reveal())
            : await ReadAsync(store.SqlitePath!);
        await new RecordedStore(state.Migrations.Length, kind == TestStore.Postgres).SaveAsync(state, content);
    }

    /// <summary>After a rollback: the earlier program finds the tables of this one.</summary>
    [Theory(Explicit = true)]
    [MemberData(nameof(Kinds))]
    public async Task An_earlier_program_works_on_the_newest_schema(string kind)
    {
        var config = await TestStore.ConfigAsync(kind);
        await (await TestStore.OpenAsync(config)).Database.DisposeAsync();
        var state = await DriveAsync(config);
        Assert.Equal(Composition.StoreTables.Migrations.Select(m => m.Id).Order(), state.Migrations);
    }

    /// <summary>People sign in and out, spend and are limited.</summary>
    private async Task<RecordedState> DriveAsync(StoreConfig store)
    {
        var client = await EarlierGateway.StartAsync(Program, _folder, store, _idp.Issuer, _upstream.Url);
        RecordedState state;
        await using (client)
        {
            var revoked = await client.Client.SignInAsync();
            await client.RevokeAsync(revoked.RefreshToken);
            var kept = await client.Client.SignInAsync();
            var limits = await client.LimitAsync(
                new { scope = new { type = "organization" }, amount = "100000", period = "monthly" },
                new { scope = new { type = "user", user_id = "alice" }, amount = "50000", period = "daily" },
                new
                {
                    scope = new { type = "rbac_group", rbac_group_id = "eng" },
                    amount = "70000",
                    period = "weekly",
                });
            for (var i = 0; i < 5; i++)
            {
                await client.MessageAsync(kept.Bearer);
            }

            var (deviceCode, userCode) = await client.Client.BeginSignInAsync();
            state = new RecordedState
            {
                At = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
                Migrations = [],
                Bearer = kept.Bearer,
                RefreshToken = kept.RefreshToken,
                RevokedBearer = revoked.Bearer,
                PendingDeviceCode = deviceCode,
                PendingUserCode = userCode,
                Limits = limits ? await client.AdminAsync("") : null,
                Trail = limits ? await client.AdminAsync("/audit") : null,
                Spent = limits ? await client.SpentAsync("alice") : null,
                Machines = await client.MachinesAsync(),
            };
            Assert.Equal(0, await client.StopAsync());
        }

        return state with { Migrations = await MigrationsAsync(store) };
    }

    private static async Task<int[]> MigrationsAsync(StoreConfig store)
    {
        await using DbConnection connection = store.SqlitePath is { } path
            ? await SqliteBackup.OpenAsync(path)
            : await OpenAsync(store);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT id FROM gw_migration ORDER BY id";
        await using var rows = await command.ExecuteReaderAsync();
        var ids = new List<int>();
        while (await rows.ReadAsync())
        {
            ids.Add(rows.GetInt32(0));
        }

        return [.. ids];
    }

    private static async Task<NpgsqlConnection> OpenAsync(StoreConfig store)
    {
        var connection = new NpgsqlConnection(PostgresUrl.Parse(store).Settings.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private async Task<byte[]> ReadAsync(string path)
    {
        var copy = _folder.File("copy.db");
        await SqliteBackup.CopyAsync(path, copy);
        return await File.ReadAllBytesAsync(copy);
    }
}
