using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Threading.RateLimiting;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages.Meters;

/// <summary>An answer that is over, as far as it is measured.</summary>
/// <param name="Model">The catalogue's id; what a client writes is never a label.</param>
/// <param name="Upstream">Who answered; null when nobody did.</param>
/// <param name="Failure">A status, or how the answer broke off; null for one that is whole and served.</param>
internal readonly record struct MeasuredAnswer(
    MessagesOperation Operation, string Model, Upstream? Upstream, string? Failure)
{
    /// <summary>From the arrival of the request to the end of the answer.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>From the arrival of the request to the first byte of the body; null when none came.</summary>
    public TimeSpan? FirstByte { get; init; }

    public bool IsStreamed { get; init; }

    /// <summary>Null when nobody read along.</summary>
    public TokenUsage? Usage { get; init; }

    /// <summary>Null when it was not metered.</summary>
    public Money? Cost { get; init; }
}

/// <summary>
/// What is measured of messages, under the names of OpenTelemetry's semantic conventions for generative AI where they
/// have one (<c>gen_ai.*</c>) and <c>claude_gateway.*</c> where they do not. Lives as long as the process. What is
/// counted for every message, and is no distribution, is added up here and read when somebody asks.
/// </summary>
internal sealed class InferenceMeters
{
    /// <summary>Pairs of upstream and model told apart; an operator's file has some dozens.</summary>
    private const int MaxSeries = 2000;

    private static readonly InstrumentAdvice<long> TokenBuckets = new()
    {
        HistogramBucketBoundaries =
            [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
    };

    private static readonly InstrumentAdvice<double> DurationBuckets = new()
    {
        HistogramBucketBoundaries =
            [
                0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
                655.36,
            ],
    };

    private static readonly InstrumentAdvice<double> FirstTokenBuckets = new()
    {
        HistogramBucketBoundaries =
            [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120],
    };

    private static readonly InstrumentAdvice<double> PerTokenBuckets = new()
    {
        HistogramBucketBoundaries =
            [0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
    };

    private static readonly InstrumentAdvice<double> DelayBuckets = new()
    {
        HistogramBucketBoundaries = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    };

    private readonly ConcurrentDictionary<(MessagesOperation, string Upstream, string Model), InferenceSeries>
        _series = new();
    private readonly ConcurrentDictionary<string, UpstreamMeters> _upstreams = new(StringComparer.Ordinal);
    private readonly ActivitySource _traces;
    private readonly GroupLabels _groups;
    private readonly Histogram<long> _tokenUsage;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perOutputToken;
    private readonly Histogram<double> _eventDelay;

    /// <summary>Those of a configuration by what it is made of, which is found faster than by its names.</summary>
    private readonly ConcurrentDictionary<SeriesKey, InferenceSeries> _found = new();
    private volatile Dictionary<Upstream, UpstreamMeters> _inForce = new(ReferenceEqualityComparer.Instance);
    private volatile ConcurrencyLimiter? _places;
    private long _openStreams;

    public InferenceMeters(GatewayMeter meter, GroupLabels groups)
    {
        _traces = meter.Traces;
        _groups = groups;
        var m = meter.Meter;
        _tokenUsage = m.CreateHistogram(
            "gen_ai.client.token.usage", "{token}",
            "Tokens of one message: all the model read (input, cached ones too) and all it wrote (output).", null,
            TokenBuckets);
        _duration = m.CreateHistogram(
            "gen_ai.server.request.duration", "s", "Time from a message's arrival to the end of its answer.", null,
            DurationBuckets);
        _firstToken = m.CreateHistogram(
            "gen_ai.server.time_to_first_token", "s",
            "Time from a message's arrival to the first byte of a served answer's body.", null, FirstTokenBuckets);
        _perOutputToken = m.CreateHistogram(
            "gen_ai.server.time_per_output_token", "s",
            "Time for each output token after the first one, of streamed answers.", null, PerTokenBuckets);
        _eventDelay = m.CreateHistogram(
            "claude_gateway.stream.event.delay", "s",
            "How long what an upstream has sent stays in the gateway before it is on its way to the client; one read "
                + "in 64 is timed.", null, DelayBuckets);
        m.CreateObservableUpDownCounter(
            "claude_gateway.open_streams", () => Interlocked.Read(ref _openStreams), "{stream}",
            "Streamed answers that are being relayed.");
        m.CreateObservableCounter(
            "claude_gateway.tokens", () => _series.Values.SelectMany(series => series.Tokens()), "{token}",
            "Tokens by kind: input (not cached), cache_read, cache_write and output.");
        m.CreateObservableCounter(
            "claude_gateway.cost", () => _series.Values.SelectMany(series => series.Costs(_groups)), "USD",
            "What metered answers cost, in US dollars, by the price list in force.");
        m.CreateObservableCounter(
            "claude_gateway.upstream.requests", () => _upstreams.Values.SelectMany(upstream => upstream.Requests()),
            "{request}", "Requests to upstreams by outcome: ok, or what they failed of.");
        m.CreateObservableCounter(
            "claude_gateway.failovers", () => _upstreams.Values.SelectMany(upstream => upstream.Failovers()),
            "{failover}", "Requests that went on to the next upstream, by the one that failed and what it failed of.");
        m.CreateObservableGauge(
            "claude_gateway.places.waiting",
            () => _places?.GetStatistics()?.CurrentQueuedCount ?? 0, "{request}",
            "Messages that wait for one of limits.max_upstream_requests.");
        m.CreateObservableGauge(
            "claude_gateway.upstream.healthy",
            () => _inForce.Values.Distinct().Select(upstream => upstream.Health()),
            null, "0 while the last three requests to the upstream or more have failed, else 1.");
    }

    /// <summary>
    /// Tells which upstreams there are now, and the places for messages with them; upstreams of before keep their
    /// counts but not their health.
    /// </summary>
    /// <param name="places">Null when their number is not limited.</param>
    public void Use(IEnumerable<Upstream> upstreams, ConcurrencyLimiter? places)
    {
        _places = places;
        _inForce = upstreams.ToDictionary(
            upstream => upstream, UpstreamByName, (IEqualityComparer<Upstream>)ReferenceEqualityComparer.Instance);
        _found.Clear();
    }

    public UpstreamMeters Of(Upstream upstream) =>
        _inForce.TryGetValue(upstream, out var known) ? known : UpstreamByName(upstream);

    /// <summary>The span of one request to an upstream; null when nobody traces.</summary>
    public Activity? StartAttempt(UpstreamCall call, RouteTarget target)
    {
        if (!_traces.HasListeners())
        {
            return null;
        }

        var operation = InferenceSeries.Word(call.Operation);
        var span = _traces.StartActivity($"{operation} {target.ModelId}", ActivityKind.Client);
        span?.SetTag("gen_ai.operation.name", operation);
        span?.SetTag("gen_ai.provider.name", UpstreamMeters.ProviderName(target.Upstream.Provider));
        // The operator's name for it, or the provider's: what a client writes may be anything.
        span?.SetTag("gen_ai.request.model", target.ModelId);
        span?.SetTag("claude_gateway.upstream", target.Upstream.Name);
        return span;
    }

    public void StreamBegan() => Interlocked.Increment(ref _openStreams);

    public void StreamEnded() => Interlocked.Decrement(ref _openStreams);

    public bool TimesEvents => _eventDelay.Enabled;

    public void EventWasDelayed(TimeSpan delay) => _eventDelay.Record(delay.TotalSeconds);

    /// <summary>Where nobody listens nothing is added up either: who listens does so from the start.</summary>
    public void Ended(in MeasuredAnswer answer, Principal principal)
    {
        if (!_duration.Enabled)
        {
            return;
        }

        var series = Series(answer);
        _duration.Record(
            answer.Duration.TotalSeconds, answer.Failure is { } failure ? series.Failed(failure) : series.Tags);
        if (answer is { Failure: null, FirstByte: { } first, Operation: MessagesOperation.CreateMessage })
        {
            _firstToken.Record(first.TotalSeconds, series.Tags);
            if (answer.IsStreamed && answer.Usage is { Output: > 1 } written)
            {
                _perOutputToken.Record((answer.Duration - first).TotalSeconds / (written.Output - 1), series.Tags);
            }
        }

        if (answer.Usage is { } usage)
        {
            _tokenUsage.Record(usage.Prompt, series.InputTags);
            _tokenUsage.Record(usage.Output, series.OutputTags);
            series.Add(usage);
        }

        if (answer.Cost is { } cost)
        {
            series.Add(cost, _groups.IndexOf(principal));
        }
    }

    private InferenceSeries Series(in MeasuredAnswer answer)
    {
        var key = new SeriesKey(answer.Operation, answer.Upstream, answer.Model);
        if (_found.TryGetValue(key, out var found))
        {
            return found;
        }

        var series = SeriesByName(answer);
        if (_found.Count < MaxSeries)
        {
            _found[key] = series;
        }

        return series;
    }

    private InferenceSeries SeriesByName(in MeasuredAnswer answer)
    {
        var key = (answer.Operation, Upstream: answer.Upstream?.Name ?? "none", answer.Model);
        if (_series.TryGetValue(key, out var series))
        {
            return series;
        }

        var isOneMore = _series.Count < MaxSeries;
        key = isOneMore ? key : (key.Operation, Label.Other.ToString(), Label.Other.ToString());
        var provider = !isOneMore ? Label.Other.ToString()
            : answer.Upstream is null ? "none" : UpstreamMeters.ProviderName(answer.Upstream.Provider);
        return _series.GetOrAdd(
            key,
            static (key, made) => new InferenceSeries(key.Item1, made.Provider, key.Upstream, key.Model, made.Groups),
            (Provider: provider, Groups: _groups.Count));
    }

    private UpstreamMeters UpstreamByName(Upstream upstream) =>
        _upstreams.TryGetValue(upstream.Name, out var known) ? known
        : _upstreams.Count < GatewayMeter.MaxValues
            ? _upstreams.GetOrAdd(upstream.Name, name => new UpstreamMeters(name, upstream.Provider))
        : _upstreams.GetOrAdd(Label.Other.ToString(), name => new UpstreamMeters(name, name));

    /// <summary>Upstream and model of one configuration, compared by identity.</summary>
    private readonly record struct SeriesKey(MessagesOperation Operation, Upstream? Upstream, string Model)
    {
        public bool Equals(SeriesKey other) =>
            ReferenceEquals(Model, other.Model) && ReferenceEquals(Upstream, other.Upstream)
            && Operation == other.Operation;

        public override int GetHashCode() =>
            RuntimeHelpers.GetHashCode(Model) ^ RuntimeHelpers.GetHashCode(Upstream) ^ (int)Operation;
    }
}
