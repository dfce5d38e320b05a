using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// What replicas tell each other through PostgreSQL's NOTIFY (<see cref="ReplicaMessage"/>): within a millisecond or
/// two of a commit. Delivery is checked end to end: a probe of our own must come back now and then. While it does not
/// (connection lost, or a pooler that hands LISTEN to somebody else), <see cref="Epoch"/> is 0 and features look into
/// the database instead of trusting what they were told. Takes one connection beside the pool's. The embedded store has
/// one replica, which misses nothing.
/// </summary>
internal sealed class ReplicaChannel(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private const string ApplicationPrefix = "claude-gateway replica ";
    private const string ProbeTopic = "probe";
    private const string AckTopic = "ack";
    private const string HelloTopic = "hello";

    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongRetryPause = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Action<string, string>> _topics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Announcements> _announced = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _acknowledged = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private volatile TaskCompletionSource _acknowledgement = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BackgroundLoop? _loop;
    private TimeSpan _pause;
    private long _epoch = database.IsPostgres ? 0 : 1;
    private long _spans;
    private long _probe;
    private long _probeSeen;
    private int _replicas = 1;
    private bool _hasComplained;

    /// <summary>
    /// Whether news of this span was lost in a handler: listening then begins anew, with another epoch.
    /// </summary>
    private volatile bool _hasLostNews;

    /// <summary>Names this process among the replicas: another one each time it starts.</summary>
    public string Self { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Names this span of uninterrupted listening; 0 while notifications may be missed.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    /// <summary>
    /// Replicas on this database, this one included; while nothing is heard of them there may well be another.
    /// </summary>
    public int Replicas => Epoch == 0 ? Math.Max(2, Volatile.Read(ref _replicas)) : Volatile.Read(ref _replicas);

    /// <summary>
    /// Calls <paramref name="handler"/> with sender and text of every message of other replicas. It must not block.
    /// What it throws is logged, and ends the epoch: its news is lost.
    /// </summary>
    public void On(string topic, Action<string, string> handler) => _topics[topic] = handler;

    public void Start()
    {
        if (database.IsPostgres)
        {
            const string consequence = "store: not hearing of other replicas for a moment";
            _loop = BackgroundLoop.Start(PauseAsync, ListenAsync, consequence, log);
        }
    }

    /// <summary>
    /// How often <paramref name="topic"/> was announced to this process, counted from the first call for it.
    /// </summary>
    public long Announced(string topic) => AnnouncementsOf(topic).Count;

    /// <summary>
    /// Returns when <paramref name="topic"/> was announced by whichever replica more often than <paramref name="seen"/>
    /// times, at once when that has happened since the last call; at the latest after <paramref name="limit"/>.
    /// </summary>
    /// <returns>How often it was announced to this process; <paramref name="seen"/> when it was not again.</returns>
    /// <exception cref="OperationCanceledException" />
    public async Task<long> WaitAsync(string topic, long seen, TimeSpan limit, CancellationToken cancellation)
    {
        var announced = AnnouncementsOf(topic);
        await announced.After(seen).WaitAsync(limit, clock, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        return announced.Count;
    }

    public async ValueTask DisposeAsync()
    {
        // The round under way lasts as long as the connection: it has to hear of the end before it is waited for.
        await _stop.CancelAsync();
        if (_loop is not null)
        {
            await _loop.DisposeAsync();
        }

        _stop.Dispose();
    }

    /// <summary>Tells the replica that made a change that this one acts by it.</summary>
    public Task AcknowledgeAsync(long version) => TellAsync(AckTopic, version.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Waits until every other replica acts by a change, at most <paramref name="limit"/>: one that is cut off asks the
    /// database anyway.
    /// </summary>
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
            if (others.TrueForAll(name => _acknowledged.GetValueOrDefault(name) >= version)
                || remaining <= TimeSpan.Zero)
            {
                return;
            }

            await Task.WhenAny(next, Task.Delay(remaining, clock));
        }
    }

    private Announcements AnnouncementsOf(string topic) => _announced.GetOrAdd(topic, static _ => new Announcements());

    private Task<int> TellAsync(string topic, string text) =>
        database.ExecuteAsync(
            "SELECT pg_notify($1, $2)", ReplicaMessage.Channel, new ReplicaMessage(topic, Self, text).ToString());

    /// <summary>Who listens now, by the names their connections go by.</summary>
    private async Task<List<string>> FindReplicasAsync()
    {
        var names = await database.AllAsync(
            "SELECT substr(application_name, $1) FROM pg_stat_activity WHERE datname = current_database() AND "
                + "application_name LIKE $2",
            static row => row.GetString(0),
            ApplicationPrefix.Length + 1,
            ApplicationPrefix + "%");
        Volatile.Write(ref _replicas, Math.Max(1, names.Count));
        foreach (var gone in _acknowledged.Keys.Except(names, StringComparer.Ordinal))
        {
            _acknowledged.TryRemove(gone, out _);
        }

        return names;
    }

    /// <summary>One span of listening, from connecting until the connection or its news are lost.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever ends a span, it is said once and the next one comes.")]
    private async Task ListenAsync()
    {
        _pause = RetryPause;
        _hasLostNews = false;
        try
        {
            await using var connection = await ConnectAsync();
            while (!_hasLostNews)
            {
                if (!await ProbeAsync(connection))
                {
                    // Where they did arrive before, another server has taken over behind the same address.
                    _pause = Epoch == 0 ? Complain("notifications of the database do not arrive") : RetryPause;
                    return;
                }

                await ReceiveAsync(connection, ProbePeriod, static () => false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
        catch (Exception e)
        {
            var isForeseen = e is DbException or StoreUnavailableException or OperationCanceledException
                or IOException or TimeoutException;
            Complain(isForeseen ? StoreErrors.Describe(e) : $"{e.GetType().Name}: {e.Message}");
        }
        finally
        {
            Interlocked.Exchange(ref _epoch, 0);
        }
    }

    /// <summary>A connection of its own, outside the pool: LISTEN is state of the session.</summary>
    private async Task<NpgsqlConnection> ConnectAsync()
    {
        using var time = new CancellationTokenSource(ProbeTimeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, time.Token);
        var connection = await database.OpenSessionAsync(ApplicationPrefix + Self, limit.Token);
        try
        {
            connection.Notification += OnNotification;
            await using var command = new NpgsqlCommand($"LISTEN {ReplicaMessage.Channel}", connection);
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

        if (Epoch == 0 && !_hasLostNews)
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
        while (!isEnough() && !_hasLostNews)
        {
            var remaining = time - clock.GetElapsedTime(start);
            if (remaining <= TimeSpan.Zero || !await connection.WaitAsync(remaining, _stop.Token))
            {
                return;
            }
        }
    }

    /// <summary>Npgsql swallows what this throws, so nothing may.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "A feature's mistake must not cost the others their news.")]
    private void OnNotification(object sender, NpgsqlNotificationEventArgs notification)
    {
        var message = ReplicaMessage.Parse(notification.Payload);
        if (_announced.TryGetValue(message.Topic, out var announced))
        {
            announced.Add();
        }

        try
        {
            Receive(message);
        }
        catch (Exception e)
        {
            // The ledger must not be trusted any more, and that at once; a new span begins with a look into the store.
            _hasLostNews = true;
            Interlocked.Exchange(ref _epoch, 0);
            log.Error(
                $"store: news of another replica about {message.Topic} could not be used; listening begins anew: "
                + $"{e.GetType().Name}: {e.Message}");
        }
    }

    private void Receive(ReplicaMessage message)
    {
        if (message.Sender is null)
        {
            return;
        }

        if (message.Sender == Self)
        {
            if (message.Topic == ProbeTopic && long.TryParse(message.Text, CultureInfo.InvariantCulture, out var probe))
            {
                Interlocked.Exchange(ref _probeSeen, probe);
            }
        }
        else if (message.Topic == AckTopic
            && long.TryParse(message.Text, CultureInfo.InvariantCulture, out var version))
        {
            _acknowledged.AddOrUpdate(message.Sender, version, (_, known) => Math.Max(known, version));
            Interlocked.Exchange(
                ref _acknowledgement,
                new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
        else if (message.Topic == HelloTopic)
        {
            // Another replica has begun to listen.
            _ = BackgroundLoop.DoAsync(FindReplicasAsync, "store: replicas are counted at the next probe", log);
        }
        else if (_topics.TryGetValue(message.Topic, out var handler))
        {
            handler(message.Sender, message.Text);
        }
    }

    private TimeSpan Complain(string reason)
    {
        if (!_hasComplained && !_stop.IsCancellationRequested)
        {
            log.Warn(
                $"store: not hearing of other replicas ({reason}): until this works spend limits are looked up for "
                    + "every request and revocations every two seconds. A pooler in transaction mode cannot carry "
                    + "LISTEN: connect store.postgres_url directly or in session mode");
            _hasComplained = true;
        }

        return LongRetryPause;
    }

    private Task PauseAsync(CancellationToken cancellation) =>
        _pause == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(_pause, clock, cancellation);

    /// <summary>How often a topic was announced: counted, so that whoever is busy when it is misses nothing.</summary>
    private sealed class Announcements
    {
        /// <summary>Protects <see cref="_count"/> and <see cref="_next"/> together.</summary>
        private readonly Lock _lock = new();
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _count;

        public long Count
        {
            get
            {
                lock (_lock)
                {
                    return _count;
                }
            }
        }

        /// <summary>Completes when there are more than <paramref name="seen"/>.</summary>
        public Task After(long seen)
        {
            lock (_lock)
            {
                return _count > seen ? Task.CompletedTask : _next.Task;
            }
        }

        public void Add()
        {
            TaskCompletionSource waiting;
            lock (_lock)
            {
                _count++;
                waiting = _next;
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            waiting.SetResult();
        }
    }
}
