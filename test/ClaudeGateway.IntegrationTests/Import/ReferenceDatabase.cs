using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Import;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Import;

/// <summary>A database as Anthropic's gateway leaves it (reference.sql), which a test may change.</summary>
internal sealed class ReferenceDatabase(string url)
{
    public string Url => url;

    public static async Task<ReferenceDatabase> CreateAsync(string? inDatabase = null)
    {
        var database = new ReferenceDatabase(inDatabase ?? await PostgresServer.NewDatabaseAsync());
        await database.RunAsync(
            await File.ReadAllTextAsync(Repository.File("test/ClaudeGateway.IntegrationTests/Import/reference.sql")));
        return database;
    }

    public async Task RunAsync(string sql)
    {
        var target = Target();
        await using var connection = new NpgsqlConnection(target.Settings.ConnectionString);
        await connection.OpenAsync();
#pragma warning disable CA2100 // The statements are the tests' own.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Somebody spends, in all three periods of today, as the reference counts it.</summary>
    public Task SpendAsync(string principal, decimal cents) => RunAsync(
        $"""
        INSERT INTO spend (principal, period, cents)
        SELECT '{principal}', to_char(now() AT TIME ZONE 'utc', form), {cents}
        FROM unnest(ARRAY['YYYY-MM-DD', 'IYYY-"W"IW', 'YYYY-MM']) AS form
        ON CONFLICT (principal, period) DO UPDATE SET cents = spend.cents + excluded.cents, updated_at = now()
        """);

    public async Task<ReferenceData> ReadAsync()
    {
        using var lines = new StderrLines(Stream.Null);
        var log = new OperationalLog(lines, TimeProvider.System, LogLevel.Error);
        await using var source = new PostgresDataSource(
            Target(), null, new ProcessEnvironment(new Dictionary<string, string>()), log);
        return await new ReferenceSource(source, static _ => { }).ReadAsync(CancellationToken.None);
    }

    private PostgresTarget Target()
    {
        var target = PostgresUrl.Parse(new StoreConfig { PostgresUrl = new Secret(url) });
        target.Settings.Pooling = false;
        return target;
    }
}
