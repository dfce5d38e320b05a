using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;
using ClaudeGateway.Instrumentation;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Http;

/// <summary>
/// The HTTP server's measurements, named as OpenTelemetry's semantic conventions have them (HTTP metrics,
/// <c>http.server.*</c>), and its spans. A request is told by the route that serves it, never by its path.
/// </summary>
internal sealed class HttpMeters
{
    private const string MethodOther = "_OTHER";

    /// <summary>The conventions' own, and on to the longest answers of a model. In seconds.</summary>
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries =
            [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };

    private static readonly string[] Methods =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];

    private readonly ConcurrentDictionary<Outcome, KeyValuePair<string, object?>[]> _tags = new();
    private readonly ActivitySource _traces;
    private readonly Histogram<double> _duration;
    private readonly TimeProvider _clock;
    private long _active;

    public HttpMeters(GatewayMeter meter, TimeProvider clock)
    {
        _traces = meter.Traces;
        _clock = clock;
        _duration = meter.Meter.CreateHistogram(
            "http.server.request.duration", "s", "Time from a request's arrival to the end of its answer.", null,
            Buckets);
        meter.Meter.CreateObservableUpDownCounter(
            "http.server.active_requests", () => Active, "{request}",
            "Requests that are being served.");
    }

    /// <summary>Requests that are being served.</summary>
    public long Active => Interlocked.Read(ref _active);

    /// <summary>The span of a request, in the trace its client is in; null when nobody traces.</summary>
    public Activity? Began(HttpContext http)
    {
        Interlocked.Increment(ref _active);
        return _traces.HasListeners() ? StartSpan(http) : null;
    }

    public void Ended(GatewayRequest request, Activity? span)
    {
        if (span is not null || _duration.Enabled)
        {
            Measure(request, span);
        }

        Interlocked.Decrement(ref _active);
    }

    private void Measure(GatewayRequest request, Activity? span)
    {
        var status = request.Http.Response.StatusCode;
        var failure = request.IsBrokenOff ? "broken_off"
            : request.Aborted.IsCancellationRequested ? "client_gone"
            : status >= StatusCodes.Status500InternalServerError ? status.ToString(CultureInfo.InvariantCulture)
            : null;
        var outcome = new Outcome(Method(request.Http.Request.Method), request.Route?.Template, status, failure);
        _duration.Record(
            _clock.GetElapsedTime(request.StartedAt).TotalSeconds, _tags.GetOrAdd(outcome, static o => o.Tags()));
        if (span is not null)
        {
            EndSpan(span, outcome);
        }
    }

    private static string Method(string method)
    {
        foreach (var known in Methods)
        {
            if (known == method)
            {
                return known;
            }
        }

        return MethodOther;
    }

    /// <summary>Only W3C's own header names a parent; baggage may hold anything and is left alone.</summary>
    private Activity? StartSpan(HttpContext http)
    {
        var headers = http.Request.Headers;
        var parent = default(ActivityContext);
        if (headers.TraceParent is [{ } traceParent])
        {
            ActivityContext.TryParse(traceParent, headers.TraceState, isRemote: true, out parent);
        }

        return _traces.StartActivity(Method(http.Request.Method), ActivityKind.Server, parent);
    }

    private static void EndSpan(Activity span, in Outcome outcome)
    {
        if (outcome.Route is { } route)
        {
            span.DisplayName = $"{outcome.Method} {route}";
        }

        foreach (var (name, value) in outcome.Tags())
        {
            span.SetTag(name, value);
        }

        if (outcome.Failure is not null)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }

        span.Dispose();
    }

    /// <summary>
    /// How a request was served, as far as its series are told apart: each part is one of a few objects, compared by
    /// identity.
    /// </summary>
    private readonly record struct Outcome(string Method, string? Route, int Status, string? Failure)
    {
        public bool Equals(Outcome other) =>
            Status == other.Status && ReferenceEquals(Route, other.Route) && ReferenceEquals(Method, other.Method)
            && Failure == other.Failure;

        public override int GetHashCode() =>
            Status ^ (Route is null ? 0 : RuntimeHelpers.GetHashCode(Route)) ^ RuntimeHelpers.GetHashCode(Method);

        public KeyValuePair<string, object?>[] Tags()
        {
            List<KeyValuePair<string, object?>> tags =
                [new("http.request.method", Method), new("http.response.status_code", Status)];
            if (Route is not null)
            {
                tags.Add(new("http.route", Route));
            }

            if (Failure is not null)
            {
                tags.Add(new("error.type", Failure));
            }

            return [.. tags];
        }
    }
}
