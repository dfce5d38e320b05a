using System.Collections.Concurrent;
using System.Data.Common;
using System.Net.Sockets;
using System.Security.Cryptography;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// Connections to the PostgreSQL servers of <c>store.postgres_url</c>. Each server has a pool, and one is in use: the
/// first that can be reached and is what <c>target_session_attrs</c> asks for, until a connection to it fails. Then the
/// others are tried in order. Nothing is asked of a server for a connection that the pool already has.
/// </summary>
internal sealed class PostgresDataSource : DbDataSource
{
    private readonly Candidate[] _candidates;
    private readonly StorePassword? _password;
    private int _current;

    /// <exception cref="OperatorException">The file of <c>sslrootcert</c> cannot be used.</exception>
    /// <exception cref="ArgumentException">Npgsql refuses the settings.</exception>
    /// <param name="password">Null when that of <paramref name="target"/> holds.</param>
    public PostgresDataSource(
        PostgresTarget target, StorePassword? password, ProcessEnvironment environment, OperationalLog log)
    {
        _password = password;
        var hosts = target.Hosts.ToArray();
        if (target.IsRandomOrder)
        {
            RandomNumberGenerator.Shuffle<PostgresTarget.Server>(hosts);
        }

        var tls = new PostgresTls(target.Settings, environment, log);
        // A standby is looked for among all servers before another one will do.
        TargetSessionAttributes[] passes = target.Session == TargetSessionAttributes.PreferStandby
            ? [TargetSessionAttributes.Standby, TargetSessionAttributes.Any]
            : [target.Session];
        _candidates =
        [
            .. passes.SelectMany(pass => hosts.Select(host => new Candidate(target, host, pass, tls, password))),
        ];
    }

    public override string ConnectionString => _candidates[0].Pool.ConnectionString;

    /// <summary>What a new connection is waiting for at this moment that is not its server, or null.</summary>
    public string? Waiting => _password?.Waiting;

    /// <summary>Idle connections are closed; those in use when they come back.</summary>
    public void Clear() => Array.ForEach(_candidates, static candidate => candidate.Pool.Clear());

    /// <summary>A connection of its own, outside the pools, for what is state of a session.</summary>
    public Task<NpgsqlConnection> OpenSessionAsync(string applicationName, CancellationToken cancellation) =>
        OpenAsync(candidate => candidate.Sessions(applicationName), cancellation);

    protected override DbConnection CreateDbConnection() => _candidates[0].Pool.CreateConnection();

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken) =>
        _candidates.Length == 1
            ? await _candidates[0].Pool.OpenConnectionAsync(cancellationToken)
            : await OpenAsync(static candidate => candidate.Pool, cancellationToken);

    protected override async ValueTask DisposeAsyncCore()
    {
        foreach (var candidate in _candidates)
        {
            await candidate.DisposeAsync();
        }

        await base.DisposeAsyncCore();
    }

    private async Task<NpgsqlConnection> OpenAsync(
        Func<Candidate, NpgsqlDataSource> source, CancellationToken cancellation)
    {
        var first = Volatile.Read(ref _current);
        Exception? failure = null;
        for (var step = -1; step < _candidates.Length; step++)
        {
            if (step == first)
            {
                continue;
            }

            var index = step < 0 ? first : step;
            try
            {
                var connection = await source(_candidates[index]).OpenConnectionAsync(cancellation);
                Volatile.Write(ref _current, index);
                return connection;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // It was silent for as long as somebody could wait: the next one begins elsewhere.
                Interlocked.CompareExchange(ref _current, (index + 1) % _candidates.Length, first);
                throw;
            }
            catch (Exception e) when (MayAnotherServe(e))
            {
                // That a server can be reached and is the wrong one says more than that another cannot be.
                failure = failure is WrongServerException ? failure : e;
            }
        }

        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure!);
        return null!;
    }

    /// <summary>
    /// As with libpq, a server that refuses the user is the last one that is asked.
    /// </summary>
    private static bool MayAnotherServe(Exception exception) => exception switch
    {
        WrongServerException or TimeoutException or SocketException => true,
        PostgresException e => e.SqlState == PostgresErrorCodes.CannotConnectNow,
        NpgsqlException e => e.InnerException is SocketException or IOException or TimeoutException,
        _ => false,
    };

    /// <summary>One server, as one that must be of a kind.</summary>
    private sealed class Candidate : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, NpgsqlDataSource> _sessions = new(StringComparer.Ordinal);
        private readonly PostgresTarget _target;
        private readonly PostgresTarget.Server _host;
        private readonly TargetSessionAttributes _session;
        private readonly PostgresTls _tls;
        private readonly StorePassword? _password;

        public Candidate(
            PostgresTarget target,
            PostgresTarget.Server host,
            TargetSessionAttributes session,
            PostgresTls tls,
            StorePassword? password)
        {
            _target = target;
            _host = host;
            _session = session;
            _tls = tls;
            _password = password;
            Pool = Build(static _ => { });
        }

        public NpgsqlDataSource Pool { get; }

        public NpgsqlDataSource Sessions(string applicationName) =>
            _sessions.GetOrAdd(applicationName, name => Build(settings =>
            {
                settings.Pooling = false;
                settings.ApplicationName = name;
            }));

        public async ValueTask DisposeAsync()
        {
            await Pool.DisposeAsync();
            foreach (var source in _sessions.Values)
            {
                await source.DisposeAsync();
            }
        }

        private NpgsqlDataSource Build(Action<NpgsqlConnectionStringBuilder> change)
        {
            var settings = new NpgsqlConnectionStringBuilder(_target.Settings.ConnectionString)
            {
                Host = _host.Name,
                Port = _host.Port,
                TcpKeepAlive = _target.Sockets.KeepAlive,
            };
            change(settings);
            if (_password is not null)
            {
                settings.Password = null;
            }

            var builder = _tls.Builder(settings);
            if (_password is not null)
            {
                builder.UsePasswordProvider(
                    static _ => throw new NotSupportedException("connections are opened asynchronously"),
                    _password.GetAsync);
            }

            if (_session != TargetSessionAttributes.Any || !_target.Sockets.AreUsual)
            {
                builder.UsePhysicalConnectionInitializer(
                    static _ => throw new NotSupportedException("connections are opened asynchronously"),
                    PrepareAsync);
            }

            return builder.Build();
        }

        private async Task PrepareAsync(NpgsqlConnection connection)
        {
            PostgresSockets.Apply(_target.Sockets, connection);
            if (_session != TargetSessionAttributes.Any)
            {
                await CheckSessionAsync(connection);
            }
        }

        private async Task CheckSessionAsync(NpgsqlConnection connection)
        {
            await using var command = new NpgsqlCommand(
                "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'", connection);
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            var (isStandby, isReadOnly) = (row.GetBoolean(0), row.GetBoolean(1));
            var (isWanted, attribute) = _session switch
            {
                TargetSessionAttributes.ReadWrite => (!isReadOnly, "read-write"),
                TargetSessionAttributes.ReadOnly => (isReadOnly, "read-only"),
                TargetSessionAttributes.Primary => (!isStandby, "primary"),
                _ => (isStandby, "standby"),
            };
            if (!isWanted)
            {
                var what = isStandby ? "is a standby" : isReadOnly ? "can only be read" : "is a primary";
                throw new WrongServerException(
                    $"{_host} {what}, and no server that target_session_attrs={attribute} asks for can be reached",
                    isStandby || isReadOnly);
            }
        }
    }
}
