using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;

namespace ClaudeGateway.Config.Shapes;

/// <summary>
/// What a value of gateway.yaml may be. The same object reads it, describes it as JSON Schema and names it in the
/// documentation, so the three cannot differ.
/// </summary>
internal abstract class Shape
{
    /// <summary>Type and bounds in a few words: "integer, 1 to 60".</summary>
    public abstract string Name { get; }

    /// <summary>Whether values are masked wherever a configuration is printed.</summary>
    public virtual bool IsSecret => false;

    /// <summary>What is printed in place of a secret value.</summary>
    public virtual string Mask(string secret) => "***";

    /// <summary>
    /// The shape of each item of a list or each value of a mapping with free names; null for anything else.
    /// </summary>
    public virtual Shape? Item => null;

    /// <summary>
    /// Named sets of keys: one for an object, one per word for an object with variants, none for anything else.
    /// </summary>
    public virtual IReadOnlyList<KeySet> KeySets => [];

    /// <summary>The keys that hold for <paramref name="map"/>; null when it has free names.</summary>
    public virtual IReadOnlyList<Key>? KeysFor(ConfigMap map) => KeySets is [var only] ? only.Keys : null;

    /// <summary>The same mapping with the word of an alias replaced by what it stands for.</summary>
    public virtual ConfigMap Canonical(ConfigMap map) => map;

    public abstract JsonObject Schema();

    /// <summary>What stands there instead, without giving away a secret.</summary>
    protected string Got(ConfigNode node) => node switch
    {
        ConfigScalar { Type: ScalarType.Text } text when IsSecret || text.IsExpanded =>
            $"got {text.Text.Length} characters",
        ConfigScalar { Type: ScalarType.Text } text => $"got {Quote(text.Text)}",
        ConfigScalar { Type: ScalarType.Null } => "got nothing",
        ConfigScalar scalar when !IsSecret => $"got {scalar.Text}",
        _ => $"got {node.Kind}",
    };

    /// <summary>The mapping that the value must be; null when it is none, which was listed then.</summary>
    /// <param name="must">What it must be, up to where it is said what stands there instead.</param>
    protected ConfigMap? MapOrProblem(ConfigNode node, ConfigReading reading, string must)
    {
        if (node is not (ConfigMap or UnexpandedNode))
        {
            reading.Problem(node, must + Got(node));
        }

        return node as ConfigMap;
    }

    protected static string Quote(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= 60 ? $"'{line}'" : $"'{line.AsSpan(0, 60)}…'";
    }
}

/// <summary>
/// The keys of an object; <paramref name="Variant"/> is the <c>key: word</c> that selects them, or null.
/// </summary>
internal sealed record KeySet(string? Variant, IReadOnlyList<Key> Keys);

/// <summary>A shape whose values become <typeparamref name="T"/>.</summary>
internal abstract class Shape<T> : Shape
{
    /// <returns>False when the value is wrong; then at least one problem was listed.</returns>
    public abstract bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value);

    /// <summary>Adds a rule: null when the value keeps it, else what is wrong.</summary>
    public Shape<T> Must(Func<T, string?> rule) => new CheckedShape<T>(this, (value, node, reading) =>
    {
        if (rule(value) is { } wrong)
        {
            reading.Problem(node, wrong);
        }
    });

    /// <summary>Adds a rule that needs the node or the reading; it lists problems or warnings itself.</summary>
    public Shape<T> Checked(Action<T, ConfigNode, ConfigReading> check) => new CheckedShape<T>(this, check);

    public Shape<TResult> As<TResult>(Func<T, TResult> convert) => new ConvertedShape<T, TResult>(this, convert);

    /// <summary>Says the type in other words than the shape itself would.</summary>
    /// <param name="mask">Shows the part of a secret value that is none; null shows nothing of it.</param>
    public Shape<T> Named(string name, Func<string, string>? mask = null) => new NamedShape<T>(this, name, mask);
}

/// <summary>Another shape, described as that one describes itself.</summary>
internal abstract class WrapperShape<TInner, T>(Shape<TInner> inner) : Shape<T>
{
    protected Shape<TInner> Inner => inner;

    public override string Name => inner.Name;

    public override bool IsSecret => inner.IsSecret;

    public override string Mask(string secret) => inner.Mask(secret);

    public override Shape? Item => inner.Item;

    public override IReadOnlyList<KeySet> KeySets => inner.KeySets;

    public override IReadOnlyList<Key>? KeysFor(ConfigMap map) => inner.KeysFor(map);

    public override ConfigMap Canonical(ConfigMap map) => inner.Canonical(map);

    public override JsonObject Schema() => inner.Schema();
}

/// <summary>Another shape with one more rule.</summary>
internal sealed class CheckedShape<T>(Shape<T> inner, Action<T, ConfigNode, ConfigReading> check)
    : WrapperShape<T, T>(inner)
{
    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        var before = reading.ProblemCount;
        if (!Inner.TryRead(node, reading, out value))
        {
            return false;
        }

        check(value, node, reading);
        return reading.ProblemCount == before;
    }
}

/// <summary>Another shape whose value is turned into a different type.</summary>
internal sealed class ConvertedShape<TFrom, TTo>(Shape<TFrom> inner, Func<TFrom, TTo> convert)
    : WrapperShape<TFrom, TTo>(inner)
{
    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out TTo value)
    {
        var isRead = Inner.TryRead(node, reading, out var from);
        value = isRead ? convert(from!) : default;
        return isRead;
    }
}

/// <summary>Another shape under a name of its own.</summary>
internal sealed class NamedShape<T>(Shape<T> inner, string name, Func<string, string>? mask) : WrapperShape<T, T>(inner)
{
    public override string Name => name;

    public override string Mask(string secret) => mask is null ? base.Mask(secret) : mask(secret);

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value) =>
        Inner.TryRead(node, reading, out value);
}
