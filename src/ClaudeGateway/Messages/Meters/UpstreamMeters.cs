using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;
using ClaudeGateway.Credentials;
using ClaudeGateway.Instrumentation;

namespace ClaudeGateway.Messages.Meters;

/// <summary>How requests to one upstream fared; counts are read when somebody asks.</summary>
/// <param name="provider">The configuration's word.</param>
internal sealed class UpstreamMeters(string name, string provider)
{
    /// <summary>Failures in a row that make an upstream one that is not healthy.</summary>
    private const int Unhealthy = 3;

    private readonly BoundedLabels _reasons = new(GatewayMeter.MaxValues);
    private readonly ConcurrentDictionary<Label, StrongBox<long>> _failures = new();
    private readonly ConcurrentDictionary<Label, StrongBox<long>> _failovers = new();
    private long _served;
    private int _failedInARow;

    public string Name => name;

    /// <summary>
    /// The conventions' <c>gen_ai.provider.name</c>: the platforms that Anthropic runs itself are Anthropic's.
    /// </summary>
    public static string ProviderName(string provider) => provider switch
    {
        "bedrock" or "mantle" => "aws.bedrock",
        "vertex" => "gcp.vertex_ai",
        "foundry" => "azure.ai.inference",
        _ => "anthropic",
    };

    /// <summary>The word for what a request to an upstream failed of.</summary>
    public static string Reason(Exception failure) => failure switch
    {
        OperationCanceledException => "timeout",
        UpstreamUnavailableException => "credential",
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "dns",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "connect",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "tls",
        _ => "broken_answer",
    };

    public static string Reason(int status) => status.ToString(CultureInfo.InvariantCulture);

    public void Served()
    {
        Interlocked.Increment(ref _served);
        if (Volatile.Read(ref _failedInARow) != 0)
        {
            Volatile.Write(ref _failedInARow, 0);
        }
    }

    /// <param name="isItsFault">Whether it speaks of the upstream's health: a limit that is reached and a model that is
    /// not there do not.</param>
    /// <param name="goesOn">Whether the next upstream is asked.</param>
    public void Failed(string reason, bool isItsFault, bool goesOn)
    {
        var label = _reasons.Of(reason);
        Interlocked.Increment(ref _failures.GetOrAdd(label, _ => new StrongBox<long>()).Value);
        if (goesOn)
        {
            Interlocked.Increment(ref _failovers.GetOrAdd(label, _ => new StrongBox<long>()).Value);
        }

        if (isItsFault)
        {
            Interlocked.Increment(ref _failedInARow);
        }
    }

    public IEnumerable<Measurement<long>> Requests() =>
        _failures.Select(failure => Measured(failure.Value.Value, new("claude_gateway.outcome", failure.Key)))
            .Prepend(Measured(Interlocked.Read(ref _served), new("claude_gateway.outcome", "ok")));

    public IEnumerable<Measurement<long>> Failovers() =>
        _failovers.Select(failover => Measured(failover.Value.Value, new("claude_gateway.reason", failover.Key)));

    public Measurement<int> Health() =>
        new(
            Volatile.Read(ref _failedInARow) >= Unhealthy ? 0 : 1,
            new KeyValuePair<string, object?>("claude_gateway.upstream", name),
            new KeyValuePair<string, object?>("gen_ai.provider.name", ProviderName(provider)));

    private Measurement<long> Measured(long value, KeyValuePair<string, object?> tag) =>
        new(
            value,
            new KeyValuePair<string, object?>("claude_gateway.upstream", name),
            new KeyValuePair<string, object?>("gen_ai.provider.name", ProviderName(provider)),
            tag);
}
