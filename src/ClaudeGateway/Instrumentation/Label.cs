using System.Collections.Concurrent;

namespace ClaudeGateway.Instrumentation;

/// <summary>
/// A label's value as exporters get it. Compared by identity: with a dozen strings to hash for it, a measurement would
/// take twice the time. <see cref="BoundedLabels"/> gives one object for one value.
/// </summary>
internal sealed class Label(string value)
{
    /// <summary>The values that are too many to be told one by one.</summary>
    public static readonly Label Other = new("other");

    public override string ToString() => value;
}

/// <summary>The values of one label, each as one object; of more than so many the rest is one.</summary>
internal sealed class BoundedLabels(int most)
{
    private readonly ConcurrentDictionary<string, Label> _known = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>The label of a value; <see cref="Label.Other"/> when there are too many.</summary>
    public Label Of(string value)
    {
        if (_known.TryGetValue(value, out var label))
        {
            return label;
        }

        if (Interlocked.Increment(ref _count) > most)
        {
            Interlocked.Decrement(ref _count);
            return Label.Other;
        }

        var added = new Label(value);
        if (_known.TryAdd(value, added))
        {
            return added;
        }

        Interlocked.Decrement(ref _count);
        return _known[value];
    }
}
