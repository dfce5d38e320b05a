using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Logging;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// What replicas tell each other through PostgreSQL's NOTIFY: within a millisecond or two of a commit. A message is
/// a topic, or <c>topic sender text</c>. Delivery is checked end to end: a probe of our own must come back now and then.
/// While it does not (connection lost, or a pooler that hands LISTEN to somebody else), <see cref="Epoch"/> is 0 and
/// features look into the database instead of trusting what they were told. Takes one connection beside the pool's.
/// The embedded store has one replica, which misses nothing.
/// </summary>
internal sealed class ReplicaChannel(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    /// <summary>The one channel; NOTIFY reaches listeners of the same database only.</summary>
    public const string Name = "claude_gateway";

    private const string ApplicationPrefix = "claude-gateway replica ";
    private const string ProbeTopic = "probe";
    private const string AckTopic = "ack";
    private const string HelloTopic = "hello";

    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongRetryPause = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Action<string, string>> _topics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _acknowledged = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private volatile TaskCompletionSource _acknowledgement = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;
    private long _epoch = database.IsPostgres ? 0 : 1;
    private long _spans;
    private long _probe;
    private long _probeSeen;
    private int _replicas = 1;
    private bool _hasComplained;

    /// <summary>Names this process among the replicas: another one each time it starts.</summary>
    public string Self { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Names this span of uninterrupted listening; 0 while notifications may be missed.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    /// <summary>Replicas on this database, this one included; while nothing is heard of them there may well be another.</summary>
    public int Replicas => Epoch == 0 ? Math.Max(2, Volatile.Read(ref _replicas)) : Volatile.Read(ref _replicas);

    /// <summary>Calls <paramref name="handler"/> with sender and text of every message of other replicas. It must not block.</summary>
    public void On(string topic, Action<string, string> handler) => _topics[topic] = handler;

    public void Start()
    {
        if (database.IsPostgres)
        {
            _loop = ListenAsync();
        }
    }

    /// <summary>Returns when <paramref name="topic"/> is announced by whichever replica, at the latest after <paramref name="limit"/>.</summary>
    public async Task WaitAsync(string topic, TimeSpan limit, CancellationToken cancellation)
    {
        var announced = _waiting.GetOrAdd(topic, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await announced.Task.WaitAsync(limit, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    /// <summary>Tells the replica that made a change that this one acts by it.</summary>
    public Task AcknowledgeAsync(long version) => TellAsync(AckTopic, version.ToString(CultureInfo.InvariantCulture));

    /// <summary>Waits until every other replica acts by a change, at most <paramref name="limit"/>: one that is cut off asks the database anyway.</summary>
    public async Task WaitForOthersAsync(long version, TimeSpan limit)
    {
        if (!database.IsPostgres)
        {
            return;
        }

        var others = (await FindReplicasAsync()).Where(name => name != Self).ToList();
        var start = clock.GetTimestamp();
        while (true)
        {
            var next = _acknowledgement.Task;
            var remaining = limit - clock.GetElapsedTime(start);
            if (others.TrueForAll(name => _acknowledged.GetValueOrDefault(name) >= version) || remaining <= TimeSpan.Zero)
            {
                return;
            }

            await Task.WhenAny(next, Task.Delay(remaining, clock));
        }
    }

    private Task<int> TellAsync(string topic, string text) => database.ExecuteAsync("SELECT pg_notify($1, $2)", Name, $"{topic} {Self} {text}");

    /// <summary>Who listens now, by the names their connections go by.</summary>
    private async Task<List<string>> FindReplicasAsync()
    {
        var names = await database.AllAsync(
            "SELECT substr(application_name, $1) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $2",
            static row => row.GetString(0),
            ApplicationPrefix.Length + 1,
            ApplicationPrefix + "%");
        Volatile.Write(ref _replicas, Math.Max(1, names.Count));
        return names;
    }

    /// <summary>Another replica has begun to listen.</summary>
    private async Task WelcomeAsync()
    {
        try
        {
            await FindReplicasAsync();
        }
        catch (StoreUnavailableException)
        {
            // The next probe counts again.
        }
    }

    private async Task ListenAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var pause = RetryPause;
            try
            {
                await using var connection = await ConnectAsync();
                while (true)
                {
                    if (!await ProbeAsync(connection))
                    {
                        pause = Complain("notifications of the database do not arrive");
                        break;
                    }

                    await ReceiveAsync(connection, ProbePeriod, static () => false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or StoreUnavailableException or OperationCanceledException or IOException or TimeoutException or ObjectDisposedException)
            {
                Complain(StoreErrors.Describe(e));
            }

            Interlocked.Exchange(ref _epoch, 0);
            await PauseAsync(pause);
        }
    }

    /// <summary>A connection of its own, outside the pool: LISTEN is state of the session.</summary>
    private async Task<NpgsqlConnection> ConnectAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(ProbeTimeout);
        NpgsqlConnection connection;
        await using (var pooled = await database.OpenConnectionAsync(limit.Token))
        {
            var settings = new NpgsqlConnectionStringBuilder(pooled.ConnectionString) { Pooling = false, ApplicationName = ApplicationPrefix + Self };
            connection = await ((NpgsqlConnection)pooled).CloneWithAsync(settings.ToString(), limit.Token);
        }

        try
        {
            await connection.OpenAsync(limit.Token);
            connection.Notification += OnNotification;
            await using var command = new NpgsqlCommand($"LISTEN {Name}", connection);
            await command.ExecuteNonQueryAsync(limit.Token);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<bool> ProbeAsync(NpgsqlConnection connection)
    {
        var probe = Interlocked.Increment(ref _probe);
        await FindReplicasAsync();
        await TellAsync(ProbeTopic, probe.ToString(CultureInfo.InvariantCulture));
        await ReceiveAsync(connection, ProbeTimeout, () => Interlocked.Read(ref _probeSeen) == probe);
        if (Interlocked.Read(ref _probeSeen) != probe)
        {
            return false;
        }

        if (Epoch == 0)
        {
            await TellAsync(HelloTopic, "");
            Interlocked.Exchange(ref _epoch, ++_spans);
            _hasComplained = false;
            log.Debug($"store: hearing of other replicas ({Replicas} in all)");
        }

        return true;
    }

    private async Task ReceiveAsync(NpgsqlConnection connection, TimeSpan time, Func<bool> isEnough)
    {
        var start = clock.GetTimestamp();
        while (!isEnough())
        {
            var remaining = time - clock.GetElapsedTime(start);
            if (remaining <= TimeSpan.Zero || !await connection.WaitAsync(remaining, _stop.Token))
            {
                return;
            }
        }
    }

    private void OnNotification(object sender, NpgsqlNotificationEventArgs notification)
    {
        var parts = notification.Payload.Split(' ', 3);
        if (_waiting.TryRemove(parts[0], out var waiting))
        {
            waiting.TrySetResult();
        }

        if (parts.Length < 3)
        {
            return;
        }

        if (parts[1] == Self)
        {
            if (parts[0] == ProbeTopic && long.TryParse(parts[2], CultureInfo.InvariantCulture, out var probe))
            {
                Interlocked.Exchange(ref _probeSeen, probe);
            }
        }
        else if (parts[0] == AckTopic && long.TryParse(parts[2], CultureInfo.InvariantCulture, out var version))
        {
            _acknowledged.AddOrUpdate(parts[1], version, (_, known) => Math.Max(known, version));
            Interlocked.Exchange(ref _acknowledgement, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
        else if (parts[0] == HelloTopic)
        {
            _ = WelcomeAsync();
        }
        else if (_topics.TryGetValue(parts[0], out var handler))
        {
            handler(parts[1], parts[2]);
        }
    }

    private TimeSpan Complain(string reason)
    {
        if (!_hasComplained && !_stop.IsCancellationRequested)
        {
            log.Warn($"store: not hearing of other replicas ({reason}): until this works spend limits are looked up for every request and revocations every two seconds. A pooler in transaction mode cannot carry LISTEN: connect store.postgres_url directly or in session mode");
            _hasComplained = true;
        }

        return LongRetryPause;
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, clock, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }
}
