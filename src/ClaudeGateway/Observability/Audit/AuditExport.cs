using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;

namespace ClaudeGateway.Observability.Audit;

/// <summary>
/// Audit events on their way to a collector, as OTLP logs. Events are copied to bounded memory and sent once a second;
/// what does not fit, or the collector does not take, is counted as dropped. Standard error has them all.
/// </summary>
internal sealed class AuditExport : IAuditCopy, IAsyncDisposable
{
    private const string Name = "observability.audit_otlp";

    /// <summary>Ten seconds of the most a replica writes.</summary>
    private const int MaxBytes = 32 * 1024 * 1024;
    private const int InitialBytes = 64 * 1024;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly OtlpLogs _logs;
    private readonly OtlpDestination _destination;
    private readonly DestinationCounts _counts;
    private readonly TimeProvider _clock;
    private readonly OperationalLog _log;

    /// <summary>Protects the lines that wait, their length and the count of those that found no room.</summary>
    private readonly Lock _lock = new();
    private byte[] _lines = new byte[InitialBytes];
    private int _length;
    private long _dropped;
    private BackgroundLoop? _loop;

    public AuditExport(AuditExportConfig config, ExportParts parts)
    {
        _logs = new OtlpLogs(parts.Instance, config.WithIdentities);
        var collector = config.Collector;
        _destination = new OtlpDestination(
            Name, collector, collector.Auth is { } auth ? parts.Authorizer(auth) : null,
            parts.Outbound.CreateClient(new OutboundOptions()), parts.Relay, parts.Clock, parts.Log);
        _counts = parts.Relay.Of(Name, collector.Url.Host);
        _clock = parts.Clock;
        _log = parts.Log;
    }

    public void Start() =>
        _loop = BackgroundLoop.Start(
            cancellation => Task.Delay(Period, _clock, cancellation), SendAsync, "audit: events are exported later",
            _log);

    public void Take(ReadOnlySpan<byte> line)
    {
        lock (_lock)
        {
            if (_length + line.Length + 1 > MaxBytes)
            {
                _dropped++;
                return;
            }

            if (_lines.Length - _length <= line.Length)
            {
                Array.Resize(ref _lines, Math.Max(_lines.Length * 2, _length + line.Length + 1));
            }

            line.CopyTo(_lines.AsSpan(_length));
            _length += line.Length;
            _lines[_length++] = (byte)'\n';
        }
    }

    /// <summary>Sends what is left, for a few seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_loop is not null)
        {
            await _loop.DisposeAsync();
        }

        await SendAsync();
        await _destination.DrainAsync(OtlpRelay.DrainPatience);
        _destination.Dispose();
    }

    private Task SendAsync()
    {
        byte[] lines;
        int length;
        long dropped;
        lock (_lock)
        {
            (lines, length, dropped) = (_lines, _length, _dropped);
            (_lines, _length, _dropped) = (new byte[InitialBytes], 0, 0);
        }

        if (dropped > 0)
        {
            _counts.Dropped((int)Math.Min(dropped, int.MaxValue));
            _log.Warn($"{Name}: {dropped} audit events found no room and were not exported");
        }

        foreach (var body in _logs.Exports(lines.AsMemory(0, length)))
        {
            _destination.Enqueue(new OtlpExport(OtlpSignal.Logs, body, "application/json", null));
        }

        return Task.CompletedTask;
    }
}
