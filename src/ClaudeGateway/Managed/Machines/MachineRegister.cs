using System.Data.Common;
using ClaudeGateway.Logging;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Managed.Machines;

/// <summary>
/// How many machines run which settings version, over all replicas. What <see cref="SeenMachines"/> has seen is written
/// behind the requests, as grouped commits every ten seconds. What the store does not take is kept for the next round; a
/// process that is killed loses what the machines' next hour brings again.
/// </summary>
internal sealed class MachineRegister(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private const int MachinesPerCommit = 1000;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly MachineStore _store = new(database);
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private Task _loop = Task.CompletedTask;

    public SeenMachines Seen { get; } = new(clock);

    public void Start() => _loop = LoopAsync();

    /// <summary>Machines seen since by each version, most first, at most <paramref name="limit"/> versions; what this replica has seen is in it.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<List<VersionCount>> CountAsync(DateTimeOffset since, int limit)
    {
        await FlushAsync();
        return await _store.CountAsync(since, limit);
    }

    /// <summary>Writes everything seen until now.</summary>
    /// <exception cref="StoreUnavailableException">Something could not be written; it is kept.</exception>
    public async Task FlushAsync()
    {
        await _oneAtATime.WaitAsync();
        try
        {
            while (Seen.TakeUnwritten(MachinesPerCommit) is { Count: > 0 } batch)
            {
                await WriteAsync(batch);
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Stops after one last attempt to write what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await TryFlushAsync();
        _stop.Dispose();
        _oneAtATime.Dispose();
    }

    private async Task WriteAsync(List<KeyValuePair<string, Sighting>> batch)
    {
        try
        {
            await _store.WriteAsync(batch);
        }
        catch (StoreUnavailableException)
        {
            Seen.Return(batch);
            throw;
        }
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Period, clock, _stop.Token);
                await TryFlushAsync();
                Seen.Forget();
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }

    private async Task TryFlushAsync()
    {
        try
        {
            await FlushAsync();
        }
        catch (StoreUnavailableException e)
        {
            log.Debug($"machines: what was seen is kept until the store answers: {e.Message}");
        }
        catch (DbException e)
        {
            log.Warn($"machines: the store refused what was seen, it is seen again within the hour: {e.Message}");
        }
    }
}
