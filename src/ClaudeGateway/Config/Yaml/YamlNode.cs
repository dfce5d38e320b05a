using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Yaml;

/// <summary>One value of a YAML document as written; an anchored value is one object with many users.</summary>
internal abstract record YamlNode(ConfigPosition Position);

internal sealed record YamlScalar(ConfigPosition Position, ScalarType Type, string Text, double Number)
    : YamlNode(Position);

/// <param name="Entries">In order, keys unique: merged keys resolved, the last duplicate kept.</param>
internal sealed record YamlMap(ConfigPosition Position, IReadOnlyList<YamlEntry> Entries) : YamlNode(Position);

internal sealed record YamlEntry(string Key, ConfigPosition KeyPosition, YamlNode Value);

internal sealed record YamlList(ConfigPosition Position, IReadOnlyList<YamlNode> Items) : YamlNode(Position);

/// <summary>The text is not one YAML document we read; the message says why and holds no value of the file.</summary>
internal sealed class YamlReadException : Exception
{
    public YamlReadException()
    {
    }

    public YamlReadException(string message)
        : base(message)
    {
    }

    public YamlReadException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public YamlReadException(ConfigPosition position, string message)
        : base(message) => Position = position;

    public ConfigPosition Position { get; } = new(1, 1);
}
