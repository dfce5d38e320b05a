using System.Data.Common;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>Asks the database who it is and whether tables may be created; creates none.</summary>
internal static class StoreExamination
{
    public static Task<Finding> RunAsync(
        GatewayConfig config, ProcessEnvironment environment, OperationalLog log, CancellationToken cancellation) =>
        config.Store.PostgresUrl is null
            ? Task.FromResult(ExamineFile(config))
            : ExaminePostgresAsync(config.Store, environment, log, cancellation);

    private static async Task<Finding> ExaminePostgresAsync(
        StoreConfig store, ProcessEnvironment environment, OperationalLog log, CancellationToken cancellation)
    {
        const string subject = "store";
        try
        {
            var target = PostgresUrl.Parse(store);
            target.Settings.Timeout = Math.Max(0, (int)store.ConnectTimeout.TotalSeconds);
            target.Settings.Pooling = false;
            await using var source = new PostgresDataSource(target, environment, log);
            await using var connection = await source.OpenConnectionAsync(cancellation);
            await using var command = connection.CreateCommand();
            command.CommandText =
                "select current_setting('server_version'), current_user::text, current_schema() is not null and "
                    + "has_schema_privilege(current_schema(), 'CREATE')";
            await using var row = await command.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            var who = $"PostgreSQL {row.GetString(0)} at {connection.DataSource} as {row.GetString(1)}";
            return row.GetBoolean(2)
                ? Finding.Well(subject, $"{who}; tables can be created")
                : Finding.Ill(
                    subject,
                    $"{who}; tables cannot be created",
                    $"GRANT CREATE, USAGE ON SCHEMA public TO {row.GetString(1)}, or give it a schema of its own");
        }
        catch (Exception e)
            when (
                e is DbException or TimeoutException or OperatorException or ArgumentException
                or InvalidOperationException)
        {
            return Finding.Ill(
                subject,
                StoreErrors.Describe(e),
                "check store.postgres_url, its user and password, and that the database admits connections from here");
        }
    }

    private static Finding ExamineFile(GatewayConfig config)
    {
        var path = config.Store.SqlitePath;
        if (path is null)
        {
            return Finding.Well("store", "embedded SQLite, for a single replica");
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        return Directory.Exists(folder)
            ? Finding.Well("store", $"embedded SQLite at {path}, for a single replica")
            : Finding.Ill(
                "store",
                $"the folder of {path} does not exist",
                "create it and give it to the user the gateway runs as");
    }
}
