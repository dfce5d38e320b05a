using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ClaudeGateway.Instrumentation;

/// <summary>
/// What one gateway measures of itself with, and draws its traces with: the instruments of features are made of its
/// <see cref="Meter"/>, their spans by its <see cref="Traces"/>. Where nobody listens, a measurement costs a
/// comparison. One for each process; a test has as many as it has gateways, each of another name.
/// </summary>
/// <param name="name">Listeners tell meters apart by their names alone.</param>
internal sealed class GatewayMeter(string name) : IDisposable
{
    /// <summary>The instrumentation scope (OpenTelemetry) of every metric and span of the gateway.</summary>
    public const string Name = "claude_gateway";

    /// <summary>
    /// Values of one label at most, beyond which a value is told as <see cref="Label.Other"/>: whatever comes from
    /// outside, the number of series is bounded.
    /// </summary>
    public const int MaxValues = 100;

    private readonly ConcurrentDictionary<EventCounter, (Counter<long> Counter, BoundedLabels[] Values)> _counters = [];

    public GatewayMeter()
        : this(Name)
    {
    }

    public Meter Meter { get; } = new(name);

    public ActivitySource Traces { get; } = new(name);

    /// <summary>Counts an event of a kind that is rare beside messages.</summary>
    /// <param name="values">One for each of the counter's labels, in their order.</param>
    public void Count(EventCounter counter, params ReadOnlySpan<string> values)
    {
        var (instrument, known) = _counters.GetOrAdd(counter, static (counter, meter) => meter.Create(counter), this);
        if (!instrument.Enabled)
        {
            return;
        }

        var tags = default(TagList);
        for (var i = 0; i < values.Length; i++)
        {
            tags.Add(counter.Labels[i], known[i].Of(values[i]));
        }

        instrument.Add(1, tags);
    }

    public void Dispose()
    {
        Meter.Dispose();
        Traces.Dispose();
    }

    private (Counter<long> Counter, BoundedLabels[] Values) Create(EventCounter counter) =>
        (Meter.CreateCounter<long>(counter.Name, counter.Unit, counter.Description),
            [.. counter.Labels.Select(_ => new BoundedLabels(MaxValues))]);
}
