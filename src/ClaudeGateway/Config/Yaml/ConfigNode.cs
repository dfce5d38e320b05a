using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Yaml;

/// <summary>
/// A value of gateway.yaml with its configuration path (<c>oidc.scopes[0]</c>) and place; references in strings are
/// already expanded.
/// </summary>
internal abstract record ConfigNode(string Path, ConfigPosition Position)
{
    /// <summary>What it is, for messages: "a list", "text", "nothing".</summary>
    public abstract string Kind { get; }
}

/// <param name="Text">The expanded text of a string; the spelling of anything else.</param>
/// <param name="Number">The value of a number, else 0.</param>
/// <param name="IsExpanded">Whether a reference was replaced in it: such a value may be a secret and is never
/// shown.</param>
internal sealed record ConfigScalar(
    string Path, ConfigPosition Position, ScalarType Type, string Text, double Number, bool IsExpanded)
    : ConfigNode(Path, Position)
{
    /// <summary>The file that the whole value was read from and can be read from again.</summary>
    public string? File { get; init; }

    public override string Kind => Type switch
    {
        ScalarType.Null => "nothing",
        ScalarType.True or ScalarType.False => "a boolean",
        ScalarType.Number => "a number",
        _ => "text",
    };
}

internal sealed record ConfigMap(string Path, ConfigPosition Position, IReadOnlyList<ConfigEntry> Entries)
    : ConfigNode(Path, Position)
{
    public override string Kind => "a mapping";

    public ConfigNode? Find(string key) =>
        Entries.FirstOrDefault(entry => string.Equals(entry.Key, key, StringComparison.Ordinal))?.Value;
}

internal sealed record ConfigEntry(string Key, ConfigPosition KeyPosition, ConfigNode Value);

internal sealed record ConfigList(string Path, ConfigPosition Position, IReadOnlyList<ConfigNode> Items)
    : ConfigNode(Path, Position)
{
    public override string Kind => "a list";
}

/// <summary>
/// A string whose reference could not be expanded; the problem is already listed, so nothing more is said about it.
/// </summary>
internal sealed record UnexpandedNode(string Path, ConfigPosition Position) : ConfigNode(Path, Position)
{
    public override string Kind => "text";
}

internal enum ScalarType
{
    Null,
    True,
    False,
    Number,
    Text,
}
