using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages.Meters;

/// <summary>
/// The measurements of one model at one upstream: their labels, made once, and the sums that are read when somebody
/// asks.
/// </summary>
/// <param name="provider">The conventions' name (<c>gen_ai.provider.name</c>).</param>
/// <param name="groups">How many groups spend is told apart by, those of no such group included.</param>
internal sealed class InferenceSeries(
    MessagesOperation operation, string provider, string upstream, string model, int groups)
{
    private const int MaxFailures = 40;

    private readonly ConcurrentDictionary<string, KeyValuePair<string, object?>[]> _failed =
        new(StringComparer.Ordinal);
    private readonly BoundedLabels _failures = new(MaxFailures);

    /// <summary>In billionths of a cent, by the index of <see cref="GroupLabels"/>.</summary>
    private readonly long[] _costs = new long[groups];
    private long _input;
    private long _cacheRead;
    private long _cacheWrite;
    private long _output;

    public KeyValuePair<string, object?>[] Tags { get; } = Common(operation, provider, upstream, model);

    public KeyValuePair<string, object?>[] InputTags { get; } =
        [.. Common(operation, provider, upstream, model), new("gen_ai.token.type", new Label("input"))];

    public KeyValuePair<string, object?>[] OutputTags { get; } =
        [.. Common(operation, provider, upstream, model), new("gen_ai.token.type", new Label("output"))];

    /// <summary>The conventions' <c>gen_ai.operation.name</c>; they have none for a count.</summary>
    public static string Word(MessagesOperation operation) =>
        operation == MessagesOperation.CountTokens ? "count_tokens" : "chat";

    public KeyValuePair<string, object?>[] Failed(string failure)
    {
        if (_failed.TryGetValue(failure, out var tags))
        {
            return tags;
        }

        var label = _failures.Of(failure);
        return _failed.GetOrAdd(label.ToString(), _ => [.. Tags, new("error.type", label)]);
    }

    public void Add(in TokenUsage usage)
    {
        Interlocked.Add(ref _input, usage.Input);
        Interlocked.Add(ref _output, usage.Output);
        if (usage.Prompt != usage.Input)
        {
            Interlocked.Add(ref _cacheRead, usage.CacheRead);
            Interlocked.Add(ref _cacheWrite, usage.CacheWrite5m + usage.CacheWrite1h);
        }
    }

    public void Add(Money cost, int group) => Interlocked.Add(ref _costs[group], cost.NanoCents);

    public IEnumerable<Measurement<long>> Tokens()
    {
        yield return new Measurement<long>(Interlocked.Read(ref _input), Own("gen_ai.token.type", "input"));
        yield return new Measurement<long>(Interlocked.Read(ref _cacheRead), Own("gen_ai.token.type", "cache_read"));
        yield return new Measurement<long>(Interlocked.Read(ref _cacheWrite), Own("gen_ai.token.type", "cache_write"));
        yield return new Measurement<long>(Interlocked.Read(ref _output), Own("gen_ai.token.type", "output"));
    }

    public IEnumerable<Measurement<double>> Costs(GroupLabels names)
    {
        for (var i = 0; i < _costs.Length; i++)
        {
            if (Interlocked.Read(ref _costs[i]) is var cost and > 0)
            {
                var dollars = new Money(cost).InDollars;
                yield return names.Count == 1
                    ? new Measurement<double>(dollars, Tags)
                    : new Measurement<double>(dollars, Own("claude_gateway.group", names[i]));
            }
        }
    }

    private KeyValuePair<string, object?>[] Own(string name, string value) => [.. Tags, new(name, value)];

    private static KeyValuePair<string, object?>[] Common(
        MessagesOperation operation, string provider, string upstream, string model) =>
        [
            new("claude_gateway.upstream", new Label(upstream)),
            new("gen_ai.operation.name", new Label(Word(operation))),
            new("gen_ai.provider.name", new Label(provider)),
            new("gen_ai.request.model", new Label(model)),
        ];
}
