using System.Data.Common;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Logging;
using ClaudeGateway.Net;
using ClaudeGateway.Process;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// Opens the store at boot and brings its tables up to date, or says in one line why not (spec/config.md, Service
/// failures at boot).
/// </summary>
/// <param name="migrations">Every feature's, in order of their ids.</param>
/// <param name="token">Gives passwords where <c>store.auth</c> asks a cloud for them.</param>
/// <param name="environment">Names further authorities for TLS to PostgreSQL.</param>
internal sealed class StoreStartup(
    GatewayConfig config,
    IReadOnlyList<Migration> migrations,
    ProcessEnvironment environment,
    TimeProvider clock,
    OperationalLog log,
    StoreToken? token = null)
{
    private const int Attempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <exception cref="OperatorException">The store cannot be used.</exception>
    public async Task<Database> OpenAsync(CancellationToken cancellation) => config.Store.PostgresUrl is null
        ? await OpenSqliteAsync()
        : await OpenPostgresAsync(cancellation);

    private async Task<Database> OpenPostgresAsync(CancellationToken cancellation)
    {
        var target = PostgresUrl.Parse(config.Store);
        var database = new Database(CreatePostgresSource(target), clock);
        // Every host gets its turn.
        var patience = config.Store.ConnectTimeout == Timeout.InfiniteTimeSpan ? Timeout.InfiniteTimeSpan
            : config.Store.ConnectTimeout * target.Hosts.Count;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var time = new CancellationTokenSource(patience, clock);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, time.Token);
                await using (await database.OpenConnectionAsync(limit.Token))
                {
                }

                await new Migrator(database, clock, log).RunAsync(migrations);
                return database;
            }
            catch (Exception e)
                when (
                    e is DbException or OperationCanceledException or StoreUnavailableException or TimeoutException
                    && !cancellation.IsCancellationRequested)
            {
                var cause = e is StoreUnavailableException ? e.InnerException ?? e : e;
                if (attempt == Attempts || !StoreErrors.IsWorthWaiting(cause))
                {
                    await database.DisposeAsync();
                    throw Failure(cause);
                }

                log.Warn(
                    $"could not connect to Postgres at boot, attempt {attempt} of {Attempts}: "
                        + $"{StoreErrors.Describe(cause)}. Trying again in {Pause.TotalSeconds:0}s");
                await Task.Delay(Pause, clock, cancellation);
            }
        }
    }

    private PostgresDataSource CreatePostgresSource(PostgresTarget target)
    {
        var settings = target.Settings;
        settings.MaxPoolSize = config.Store.MaxConnections;
        // Of several servers a silent one must leave time for the next within one statement's limit.
        settings.Timeout = target.Hosts.Count > 1 ? 1
            : Math.Max(0, (int)config.Store.ConnectTimeout.TotalSeconds);
        settings.CommandTimeout = (int)Math.Ceiling(Database.DefaultTimeout.TotalSeconds);
        // After a statement's time limit the connection is thrown away at once instead of waiting for the server's
        // word.
        settings.CancellationTimeout = -1;
        // The gateway sets no session state, so there is nothing to reset; this also keeps transaction poolers happy.
        settings.NoResetOnClose = true;
        if (target.Sockets is { KeepAlive: true, AreUsual: true })
        {
            settings.TcpKeepAliveTime = TcpKeepAlive.IdleSeconds;
            settings.TcpKeepAliveInterval = TcpKeepAlive.IntervalSeconds;
        }

        try
        {
            return new PostgresDataSource(
                target, StorePassword.For(config.Store, target, token, clock), environment, log);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new OperatorException($"store.postgres_url cannot be used: {e.Message}", e);
        }
    }

    private OperatorException Failure(Exception cause)
    {
        if (StoreErrors.UnknownSetting(cause) is { } name)
        {
            return new OperatorException($"store.postgres_url: {PostgresUrl.Unknown(name)}", cause);
        }

        if (cause is NpgsqlException { InnerException: StorePasswordException })
        {
            return new OperatorException($"could not connect to Postgres: {StoreErrors.Describe(cause)}", cause);
        }

        if (StoreErrors.RefusedByPooler(cause) is { } parameter)
        {
            return new OperatorException(
                $"could not connect to Postgres: the pooler takes no startup parameter {parameter}. Put it into "
                    + "ignore_startup_parameters of PgBouncer (it then has no effect), or take the settings of the "
                    + "server out of store.postgres_url and give them to its user: ALTER ROLE … SET",
                cause);
        }

        var hint = StoreErrors.IsWorthWaiting(cause)
            ? ". If the database needs longer to become reachable, raise store.connect_timeout_seconds (now "
                + $"{config.Store.ConnectTimeout.TotalSeconds:0})"
            : "";
        return new OperatorException(
            $"could not connect to Postgres: {StoreErrors.Describe(cause)}. Check store.postgres_url in "
                + $"{config.Path}{hint}",
            cause);
    }

    private async Task<Database> OpenSqliteAsync()
    {
        var path = config.Store.SqlitePath ?? DefaultSqlitePath(config.Path);
        try
        {
            CreatePrivateFile(path);
            var database = new Database(new SqliteDataSource(path), clock);
            // Readers and the writer do not block each other; the setting stays in the file.
            await database.ExecuteAsync("PRAGMA journal_mode = WAL");
            await new Migrator(database, clock, log).RunAsync(migrations);
            log.Info($"store: embedded SQLite at {path}: for a single replica; set store.postgres_url to run several");
            return database;
        }
        catch (Exception e)
            when (
                e is IOException or UnauthorizedAccessException or SqliteException or StoreUnavailableException
                or DllNotFoundException or TypeInitializationException)
        {
            var cause = e.GetBaseException() is DllNotFoundException
                ? "the system's SQLite library libsqlite3.so.0 is not installed (Debian and Ubuntu: libsqlite3-0, "
                    + "Alpine: sqlite-libs)"
                : e.GetBaseException().Message.ReplaceLineEndings(" ");
            throw new OperatorException(
                $"could not open the embedded store {path}: {cause}. Check store.sqlite_path in {config.Path}", e);
        }
    }

    /// <summary>systemd's StateDirectory, else beside the configuration.</summary>
    private static string DefaultSqlitePath(string configPath)
    {
        var folder = Environment.GetEnvironmentVariable("STATE_DIRECTORY") is { Length: > 0 } state
            ? state.Split(':')[0]
            : Path.GetDirectoryName(Path.GetFullPath(configPath)) ?? ".";
        return Path.Combine(folder, "claude-gateway.db");
    }

    private static void CreatePrivateFile(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, options);
    }
}
