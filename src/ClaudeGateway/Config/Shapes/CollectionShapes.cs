using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;

namespace ClaudeGateway.Config.Shapes;

/// <summary>A list of values of one shape.</summary>
internal sealed class ListShape<T>(Shape<T> item, int minCount) : Shape<IReadOnlyList<T>>
{
    public override string Name => (minCount > 0 ? "list, not empty, of " : "list of ") + item.Name;

    public override bool IsSecret => item.IsSecret;

    public override Shape? Item => item;

    public override JsonObject Schema()
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = item.Schema() };
        if (minCount > 0)
        {
            schema["minItems"] = minCount;
        }

        return schema;
    }

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out IReadOnlyList<T> value)
    {
        value = null;
        if (node is not ConfigList list)
        {
            if (node is not UnexpandedNode)
            {
                reading.Problem(node, $"must be a list, {Got(node)}");
            }

            return false;
        }

        var isRead = true;
        if (list.Items.Count < minCount)
        {
            reading.Problem(
                node, minCount == 1 ? "must have at least one entry" : $"must have at least {minCount} entries");
            isRead = false;
        }

        var items = new List<T>(list.Items.Count);
        foreach (var child in list.Items)
        {
            if (item.TryRead(child, reading, out var read))
            {
                items.Add(read);
            }
            else
            {
                isRead = false;
            }
        }

        value = items;
        return isRead;
    }
}

/// <summary>One value, or a list of at least one.</summary>
internal sealed class OneOrManyShape<T>(Shape<T> item) : Shape<IReadOnlyList<T>>
{
    private readonly ListShape<T> _list = new(item, 1);

    public override string Name => $"{item.Name}, or a list of these";

    public override bool IsSecret => item.IsSecret;

    public override Shape? Item => item;

    public override JsonObject Schema() => new() { ["anyOf"] = new JsonArray(item.Schema(), _list.Schema()) };

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out IReadOnlyList<T> value)
    {
        if (node is ConfigList)
        {
            return _list.TryRead(node, reading, out value);
        }

        var isRead = item.TryRead(node, reading, out var one);
        value = isRead ? [one!] : null;
        return isRead;
    }
}

/// <summary>Free keys, each with a value of one shape.</summary>
internal sealed class MapShape<T>(Shape<T> item, Action<ConfigEntry, ConfigReading>? checkEntry)
    : Shape<IReadOnlyDictionary<string, T>>
{
    public override string Name => $"mapping of names to {item.Name}";

    public override bool IsSecret => item.IsSecret;

    public override Shape? Item => item;

    public override JsonObject Schema() => new() { ["type"] = "object", ["additionalProperties"] = item.Schema() };

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out IReadOnlyDictionary<string, T> value)
    {
        value = null;
        if (MapOrProblem(node, reading, "must be a mapping of names to values, ") is not { } map)
        {
            return false;
        }

        var before = reading.ProblemCount;
        var values = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            if (item.TryRead(entry.Value, reading, out var read))
            {
                checkEntry?.Invoke(entry, reading);
                values[entry.Key] = read;
            }
        }

        value = values;
        return reading.ProblemCount == before;
    }
}
