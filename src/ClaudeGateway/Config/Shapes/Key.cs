using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Process;

namespace ClaudeGateway.Config.Shapes;

/// <summary>One key of an object of gateway.yaml: its name, shape, default and documentation.</summary>
internal abstract class Key(string name, string description)
{
    public string Name => name;

    /// <summary>What it does, in a sentence or two of Markdown.</summary>
    public string Description => description;

    public bool IsRequired { get; init; }

    /// <summary>The default as YAML, read through the shape when the key is absent; null when there is none.</summary>
    public string? Default { get; init; }

    /// <summary>A value as YAML, for the documentation.</summary>
    public string? Example { get; init; }

    /// <summary>When it is required, for keys that depend on others: "required unless …".</summary>
    public string? Required { get; init; }

    /// <summary>
    /// Whether a running gateway keeps the value it began with, because sockets, connections or other parties hold on
    /// to it. A reload reads and checks the new value all the same, names the key when it differs and builds with the
    /// old one. Any other key is taken over by a reload.
    /// </summary>
    public bool NeedsRestart { get; init; }

    /// <summary>
    /// What of a value in a file (<c>${file:…}</c>) a running gateway keeps, where <see cref="NeedsRestart"/> and it
    /// reads the rest again by itself whenever it needs it. Null when it keeps all.
    /// </summary>
    public Func<string, string>? FixedPart { get; init; }

    public abstract Shape Shape { get; }

    public abstract bool TryRead(ConfigNode node, ConfigReading reading, out object? value);

    /// <summary>The value of <see cref="Default"/>; null without one.</summary>
    public abstract object? DefaultValue { get; }

    public JsonObject Schema()
    {
        var schema = Shape.Schema();
        schema["description"] = Description;
        if (Default is not null)
        {
            schema["default"] = PolicyJson.ToNode(DefaultNode());
        }

        return schema;
    }

    /// <summary><see cref="Default"/> as a value of the file; only for keys that have one.</summary>
    public ConfigNode DefaultNode() => Parse(Default!);

    internal static ConfigNode Parse(string yaml)
    {
        var reading = new ConfigReading(new ProcessEnvironment(new Dictionary<string, string>()));
        return new ReferenceExpansion(reading).Expand(YamlComposer.Compose(yaml, (_, _) => { }), "");
    }
}

internal sealed class Key<T>(string name, Shape<T> shape, string description) : Key(name, description)
{
    /// <summary>Protects <see cref="_default"/>: it is read once.</summary>
    private readonly Lock _lock = new();
    private object? _default;

    public override Shape Shape => shape;

    public override object? DefaultValue
    {
        get
        {
            if (Default is null)
            {
                return null;
            }

            lock (_lock)
            {
                return _default ??= ReadDefault();
            }
        }
    }

    public override bool TryRead(ConfigNode node, ConfigReading reading, out object? value)
    {
        var isRead = shape.TryRead(node, reading, out var typed);
        value = typed;
        return isRead;
    }

    private object? ReadDefault()
    {
        var reading = new ConfigReading(new ProcessEnvironment(new Dictionary<string, string>()));
        return shape.TryRead(DefaultNode(), reading, out var value)
            ? value
            : throw new InvalidOperationException($"default of {Name}: {reading.Problems[0].Text}");
    }
}
