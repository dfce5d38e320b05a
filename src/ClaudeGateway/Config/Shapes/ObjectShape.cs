using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;

namespace ClaudeGateway.Config.Shapes;

/// <summary>An object with a fixed set of keys; any other key is a problem.</summary>
internal abstract class ObjectShape<T>(IReadOnlyList<Key> keys) : Shape<T>, IObjectShape
{
    public IReadOnlyList<Key> Keys => keys;

    public override string Name => "object";

    public override IEnumerable<Shape> Inner => keys.Select(key => key.Shape);

    public override JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (var key in keys)
        {
            properties[key.Name] = key.Schema();
        }

        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (keys.Any(key => key.IsRequired))
        {
            schema["required"] = new JsonArray([.. keys.Where(key => key.IsRequired).Select(key => JsonValue.Create(key.Name))]);
        }

        return schema;
    }

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (node is not ConfigMap map)
        {
            if (node is not UnexpandedNode)
            {
                reading.Problem(node, $"must be a mapping with the keys {string.Join(", ", keys.Select(key => key.Name))}; {Got(node)}");
            }

            return false;
        }

        var before = reading.ProblemCount;
        var fields = Fields.Read(map, keys, reading);
        Check(fields);
        if (reading.ProblemCount != before)
        {
            return false;
        }

        value = Build(fields);
        return true;
    }

    /// <summary>Rules over several keys; each asks <see cref="Fields.Has"/> first because it also runs when some key is wrong.</summary>
    protected abstract void Check(Fields fields);

    protected abstract T Build(Fields fields);
}

/// <summary>The keys of an object, whatever it becomes.</summary>
internal interface IObjectShape
{
    public IReadOnlyList<Key> Keys { get; }
}

/// <summary>An object shape made of functions.</summary>
internal sealed class RecordShape<T>(IReadOnlyList<Key> keys, Func<Fields, T> build, Action<Fields>? check) : ObjectShape<T>(keys)
{
    protected override void Check(Fields fields) => check?.Invoke(fields);

    protected override T Build(Fields fields) => build(fields);
}

/// <summary>An object whose other keys depend on the word under one key, as <c>provider</c> does in <c>upstreams</c>.</summary>
internal sealed class VariantShape<T>(string discriminator, IReadOnlyList<(string Word, Shape<T> Shape)> variants) : Shape<T>
{
    public override string Name => "object";

    public string Discriminator => discriminator;

    public IReadOnlyList<(string Word, Shape<T> Shape)> Variants => variants;

    public override IEnumerable<Shape> Inner => variants.Select(variant => variant.Shape);

    public override JsonObject Schema() => new()
    {
        ["oneOf"] = new JsonArray([.. variants.Select(variant =>
        {
            var schema = variant.Shape.Schema();
            schema["properties"]![discriminator] = new JsonObject { ["const"] = variant.Word };
            return schema;
        })]),
    };

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (node is not ConfigMap map)
        {
            if (node is not UnexpandedNode)
            {
                reading.Problem(node, $"must be a mapping with a '{discriminator}' key, {Got(node)}");
            }

            return false;
        }

        var words = variants.Select(variant => variant.Word).ToArray();
        var entry = map.Entries.FirstOrDefault(entry => string.Equals(entry.Key, discriminator, StringComparison.Ordinal));
        if (entry is null)
        {
            reading.Problem(map.Position, $"{map.Path}.{discriminator}", $"is required: {string.Join(", ", words)}");
            return false;
        }

        var choice = new ChoiceShape<Shape<T>>([.. variants]);
        return choice.TryRead(entry.Value, reading, out var variant) && variant.TryRead(node, reading, out value);
    }
}
