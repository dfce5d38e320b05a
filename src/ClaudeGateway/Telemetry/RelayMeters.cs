using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ClaudeGateway.Instrumentation;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// What is measured of exports on their way to collectors. Lives as long as the process: a reload makes other
/// destinations, whose counts go on where they have the same name.
/// </summary>
internal sealed class RelayMeters
{
    private readonly ConcurrentDictionary<(string Name, string Host), DestinationCounts> _counts = new();

    public RelayMeters(GatewayMeter meter)
    {
        meter.Meter.CreateObservableCounter(
            "claude_gateway.relay.exports", () => _counts.Values.SelectMany(counts => counts.Exports()), "{export}",
            "Exports by what became of them: sent, dropped (no room, refused, or given up), or retried (not yet either).");
        meter.Meter.CreateObservableUpDownCounter(
            "claude_gateway.relay.queue", () => _counts.Values.Select(counts => counts.Queue()), "{export}",
            "Exports that are neither sent nor dropped.");
    }

    /// <param name="name">The key of gateway.yaml that names the collector.</param>
    public DestinationCounts Of(string name, string host)
    {
        if (_counts.Count >= GatewayMeter.MaxValues)
        {
            (name, host) = (Label.Other.ToString(), Label.Other.ToString());
        }

        return _counts.GetOrAdd((name, host), key => new DestinationCounts(key.Name, key.Host));
    }
}

/// <summary>Exports to one collector.</summary>
internal sealed class DestinationCounts(string name, string host)
{
    private readonly KeyValuePair<string, object?>[] _tags =
        [new("claude_gateway.destination", name), new("server.address", host)];
    private long _sent;
    private long _dropped;
    private long _retried;
    private long _held;

    public void Sent() => Interlocked.Increment(ref _sent);

    public void Dropped(int exports = 1) => Interlocked.Add(ref _dropped, exports);

    public void Retried() => Interlocked.Increment(ref _retried);

    public void Held(int change) => Interlocked.Add(ref _held, change);

    public IEnumerable<Measurement<long>> Exports()
    {
        yield return Measured(Interlocked.Read(ref _sent), "sent");
        yield return Measured(Interlocked.Read(ref _dropped), "dropped");
        yield return Measured(Interlocked.Read(ref _retried), "retried");
    }

    public Measurement<long> Queue() => new(Interlocked.Read(ref _held), _tags);

    private Measurement<long> Measured(long value, string result) =>
        new(value, [.. _tags, new KeyValuePair<string, object?>("claude_gateway.result", result)]);
}
