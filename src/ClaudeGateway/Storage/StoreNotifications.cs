using System.Collections.Concurrent;
using System.Data.Common;
using System.Net.Sockets;
using ClaudeGateway.Logging;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// Announcements from one replica to the others through PostgreSQL (LISTEN and NOTIFY): hints to look now, never the only
/// way to learn of something, because a pooler in between or a broken connection loses them. Takes one connection of the
/// pool; a pool of one is left to the requests. The embedded store has one replica and needs none.
/// </summary>
internal sealed class StoreNotifications(Database database, int maxConnections, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    public const string Channel = "claude_gateway";

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    /// <summary>An idle connection is asked for life this often.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start()
    {
        if (database.IsPostgres && maxConnections > 1)
        {
            _loop = LoopAsync();
        }
    }

    /// <summary>Returns when <paramref name="topic"/> is announced, at the latest after <paramref name="limit"/>.</summary>
    public async Task WaitAsync(string topic, TimeSpan limit, CancellationToken cancellation)
    {
        var announced = _waiting.GetOrAdd(topic, static _ => NewSource());
        await announced.Task.WaitAsync(limit, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await ListenAsync();
            }
            catch (Exception e) when (e is DbException or OperationCanceledException or IOException or SocketException or TimeoutException)
            {
                log.Debug($"store: listening for announcements ended: {StoreErrors.Describe(e)}");
            }

            await Task.Delay(RetryPause, clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync()
    {
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        connecting.CancelAfter(ConnectLimit);
        await using var connection = (NpgsqlConnection)await database.OpenConnectionAsync(connecting.Token);
        connection.Notification += OnNotification;
        try
        {
            await RunAsync(connection, $"LISTEN {Channel}");
            while (true)
            {
                if (!await connection.WaitAsync(Heartbeat, _stop.Token))
                {
                    await RunAsync(connection, "SELECT 1");
                }
            }
        }
        finally
        {
            connection.Notification -= OnNotification;
            // Back in the pool it must not go on listening.
            NpgsqlConnection.ClearPool(connection);
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Constants of this class.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    private void OnNotification(object sender, NpgsqlNotificationEventArgs notification)
    {
        if (_waiting.TryRemove(notification.Payload, out var waiting))
        {
            waiting.TrySetResult();
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
