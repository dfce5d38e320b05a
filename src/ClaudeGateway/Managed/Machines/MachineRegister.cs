using System.Data.Common;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Managed.Machines;

/// <summary>
/// How many machines run which settings version, over all replicas. What <see cref="SeenMachines"/> has seen is written
/// behind the requests, as grouped commits every ten seconds. What the store does not take is kept for the next round;
/// a process that is killed loses what the machines' next hour brings again.
/// </summary>
internal sealed class MachineRegister(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private const int MachinesPerCommit = 1000;
    private const string Consequence = "machines: what was seen is written later, or seen again within the hour";

    /// <summary>Versions told one by one; of the machines with others nobody is told.</summary>
    private const int MeasuredVersions = 20;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MeasuredPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MeasuredSpan = TimeSpan.FromDays(1);

    private readonly MachineStore _store = new(database);
    /// <summary>Held while a batch is written: of two writers one would find nothing and call it written.</summary>
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private BackgroundLoop? _loop;
    private volatile IReadOnlyList<VersionCount> _measured = [];
    private volatile bool _isMeasured;
    private long _measuredAt;

    public SeenMachines Seen { get; } = new(clock);

    public void Start() =>
        _loop = BackgroundLoop.Start(
            cancellation => Task.Delay(Period, clock, cancellation), RoundAsync, Consequence, log);

    /// <summary>Counts the machines of the last day once a minute from now on, for who watches the gateway.</summary>
    public void Measure(GatewayMeter meter)
    {
        meter.Meter.CreateObservableGauge(
            "claude_gateway.machines",
            () => _measured.Select(count => new System.Diagnostics.Metrics.Measurement<long>(
                count.Machines, new KeyValuePair<string, object?>("claude_gateway.settings_version", count.Version))),
            "{machine}",
            "Machines seen within a day by the version of the managed settings they run with, over all replicas.");
        _isMeasured = true;
    }

    /// <summary>
    /// Machines seen since by each version, most first, at most <paramref name="limit"/> versions; what this replica
    /// has seen is in it.
    /// </summary>
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
        if (_loop is not null)
        {
            await _loop.DisposeAsync();
        }

        await TryFlushAsync();
        _oneAtATime.Dispose();
    }

    private async Task WriteAsync(List<KeyValuePair<string, Sighting>> batch)
    {
        try
        {
            await _store.WriteAsync(batch);
        }
        catch
        {
            // Whatever it failed of: SeenMachines bounds what waits.
            Seen.Return(batch);
            throw;
        }
    }

    private async Task RoundAsync()
    {
        try
        {
            await FlushAsync();
            if (_isMeasured && (_measuredAt == 0 || clock.GetElapsedTime(_measuredAt) >= MeasuredPeriod))
            {
                _measuredAt = clock.GetTimestamp();
                _measured = await _store.CountAsync(clock.GetUtcNow() - MeasuredSpan, MeasuredVersions);
            }
        }
        finally
        {
            Seen.Forget();
        }
    }

    private async Task TryFlushAsync()
    {
        try
        {
            await FlushAsync();
        }
        catch (Exception e) when (e is StoreUnavailableException or DbException)
        {
            log.Debug($"{Consequence}: {e.Message}");
        }
    }
}
