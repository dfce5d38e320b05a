using System.Data.Common;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using Npgsql;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>Asks the database who it is and whether tables may be created; creates none.</summary>
internal static class StoreExamination
{
    public static Task<Finding> RunAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation) =>
        config.Store.PostgresUrl is null
            ? Task.FromResult(ExamineFile(config))
            : ExaminePostgresAsync(
                config.Store,
                DatabaseTokens.For(config.Store, environment, outbound, clock),
                clock,
                environment,
                log,
                cancellation);

    private static async Task<Finding> ExaminePostgresAsync(
        StoreConfig store,
        DatabaseTokens? tokens,
        TimeProvider clock,
        ProcessEnvironment environment,
        OperationalLog log,
        CancellationToken cancellation)
    {
        const string subject = "store";
        try
        {
            var target = PostgresUrl.Parse(store);
            target.Settings.Timeout = Math.Max(0, (int)store.ConnectTimeout.TotalSeconds);
            target.Settings.Pooling = false;
            var password = StorePassword.For(store, target, tokens is null ? null : tokens.GetAsync, clock);
            await using var source = new PostgresDataSource(target, password, environment, log);
            await using var connection = await source.OpenConnectionAsync(cancellation);
            await using var command = connection.CreateCommand();
            command.CommandText =
                "select current_setting('server_version'), current_user::text, current_schema() is not null and "
                    + "has_schema_privilege(current_schema(), 'CREATE')";
            await using var row = await command.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            var who = $"PostgreSQL {row.GetString(0)} at {connection.DataSource} as {row.GetString(1)}"
                + (password is null ? "" : $" {password.Origin}");
            return row.GetBoolean(2)
                ? Finding.Well(subject, $"{who}; tables can be created")
                : Finding.Ill(
                    subject,
                    $"{who}; tables cannot be created",
                    $"GRANT CREATE, USAGE ON SCHEMA public TO {row.GetString(1)}, or give it a schema of its own");
        }
        catch (NpgsqlException e) when (e.InnerException is StorePasswordException)
        {
            return Finding.Ill(
                subject,
                StoreErrors.Describe(e),
                store.Auth is null
                    ? "give the file to the user the gateway runs as; it holds nothing but the value"
                    : "give the identity of this machine what docs/operations.md, The store, lists for store.auth");
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
