using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;

namespace ClaudeGateway.Config.Shapes;

/// <summary>An object with a fixed set of keys; any other key is a problem.</summary>
internal abstract class ObjectShape<T>(IReadOnlyList<Key> keys) : Shape<T>
{
    public override string Name => "object";

    public override IReadOnlyList<KeySet> KeySets { get; } = [new KeySet(null, keys)];

    /// <summary>Keys that once existed, each with what its problem says instead of "unknown key".</summary>
    public IReadOnlyDictionary<string, string> Retired { get; init; } = new Dictionary<string, string>();

    public override JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (var key in keys)
        {
            properties[key.Name] = key.Schema();
        }

        var schema = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
        if (keys.Any(key => key.IsRequired))
        {
            schema["required"] = new JsonArray(
                [.. keys.Where(key => key.IsRequired).Select(key => JsonValue.Create(key.Name))]);
        }

        return schema;
    }

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        var must = $"must be a mapping with the keys {string.Join(", ", keys.Select(key => key.Name))}; ";
        if (MapOrProblem(node, reading, must) is not { } map)
        {
            return false;
        }

        var before = reading.ProblemCount;
        var fields = Fields.Read(map, keys, Retired, reading);
        Check(fields);
        if (reading.ProblemCount != before)
        {
            return false;
        }

        fields.KeepFixed(keys);
        value = Build(fields);
        return true;
    }

    /// <summary>
    /// Rules over several keys; each asks <see cref="Fields.Has"/> first because it also runs when some key is wrong.
    /// </summary>
    protected abstract void Check(Fields fields);

    protected abstract T Build(Fields fields);
}

/// <summary>An object shape made of functions.</summary>
internal sealed class RecordShape<T>(IReadOnlyList<Key> keys, Func<Fields, T> build, Action<Fields>? check)
    : ObjectShape<T>(keys)
{
    protected override void Check(Fields fields) => check?.Invoke(fields);

    protected override T Build(Fields fields) => build(fields);
}

/// <summary>
/// An object whose other keys depend on the word under one key, as <c>provider</c> does in <c>upstreams</c>.
/// </summary>
/// <param name="aliases">Other words that select a variant, each with the variant's own.</param>
internal sealed class VariantShape<T>(
    string discriminator,
    IReadOnlyList<(string Word, Shape<T> Shape)> variants,
    IReadOnlyDictionary<string, string> aliases)
    : Shape<T>
{
    public override string Name => "object";

    public override IReadOnlyList<KeySet> KeySets =>
        [.. variants.Select(variant => new KeySet($"{discriminator}: {variant.Word}", variant.Shape.KeySets[0].Keys))];

    public override IReadOnlyList<Key>? KeysFor(ConfigMap map)
    {
        var word = (Canonical(map).Find(discriminator) as ConfigScalar)?.Text;
        return variants.FirstOrDefault(variant => string.Equals(variant.Word, word,
            StringComparison.Ordinal)).Shape?.KeysFor(map);
    }

    public override ConfigMap Canonical(ConfigMap map) =>
        map.Find(discriminator) is ConfigScalar { Type: ScalarType.Text } word
        && aliases.TryGetValue(word.Text, out var own)
            ? map with
            {
                Entries = [.. map.Entries.Select(entry =>
                    ReferenceEquals(entry.Value, word) ? entry with { Value = word with { Text = own } } : entry)],
            }
            : map;

    public override JsonObject Schema() => new()
    {
        ["oneOf"] = new JsonArray([.. variants.Select(variant =>
        {
            var schema = variant.Shape.Schema();
            string[] words = [variant.Word, .. aliases.Where(alias => alias.Value == variant.Word).Select(a => a.Key)];
            schema["properties"]![discriminator] = words is [var only]
                ? new JsonObject { ["const"] = only }
                : new JsonObject { ["enum"] = new JsonArray([.. words.Select(word => JsonValue.Create(word))]) };
            return schema;
        })]),
    };

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (MapOrProblem(node, reading, $"must be a mapping with a '{discriminator}' key, ") is not { } map)
        {
            return false;
        }

        var words = variants.Select(variant => variant.Word).ToArray();
        map = Canonical(map);
        if (map.Find(discriminator) is not { } word)
        {
            reading.Problem(map.Position, $"{map.Path}.{discriminator}", $"is required: {string.Join(", ", words)}");
            return false;
        }

        var choice = new ChoiceShape<Shape<T>>([.. variants]);
        return choice.TryRead(word, reading, out var variant) && variant.TryRead(map, reading, out value);
    }
}
