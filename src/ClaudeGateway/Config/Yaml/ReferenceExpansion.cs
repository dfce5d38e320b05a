using System.Text.RegularExpressions;

namespace ClaudeGateway.Config.Yaml;

/// <summary>
/// Turns a YAML document into <see cref="ConfigNode"/>s, replacing <c>${NAME}</c> inside string values by environment
/// variables and a whole value <c>${file:/absolute/path}</c> by that file's trimmed content. Results are not expanded
/// again and never re-read as YAML (spec/config.md, Expansion). Every failure is listed.
/// </summary>
internal sealed partial class ReferenceExpansion(ConfigReading reading)
{
    /// <summary>Aliases multiply nodes; a document of a few lines must not become gigabytes.</summary>
    private const int MaxNodes = 200_000;

    private int _nodes;

    /// <exception cref="YamlReadException">Aliases expand to more than a configuration can need.</exception>
    public ConfigNode Expand(YamlNode node, string path)
    {
        if (++_nodes > MaxNodes)
        {
            throw new YamlReadException(node.Position, $"aliases expand to more than {MaxNodes} values");
        }

        return node switch
        {
            YamlScalar { Type: ScalarType.Text } text => Text(text, path),
            YamlScalar scalar =>
                new ConfigScalar(path, scalar.Position, scalar.Type, scalar.Text, scalar.Number, false),
            YamlList list =>
                new ConfigList(path, list.Position, [.. list.Items.Select((item, i) => Expand(item, $"{path}[{i}]"))]),
            YamlMap map => new ConfigMap(path, map.Position, [.. map.Entries.Select(entry => Entry(entry, path))]),
            _ => throw new InvalidOperationException(),
        };
    }

    private ConfigEntry Entry(YamlEntry entry, string path) =>
        new(entry.Key, entry.KeyPosition, Expand(entry.Value, path.Length == 0 ? entry.Key : $"{path}.{entry.Key}"));

    private ConfigNode Text(YamlScalar scalar, string path)
    {
        if (FileReference().Match(scalar.Text) is { Success: true } file)
        {
            return FileContent(scalar, path, file.Groups[1].Value);
        }

        var isUndefined = false;
        var expanded = VariableReference().Replace(scalar.Text, match =>
        {
            var name = match.Groups[1].Value;
            if (reading.Environment[name] is { } value)
            {
                return value;
            }

            isUndefined = true;
            reading.Problem(scalar.Position, path, $"environment variable {name} is not set");
            return "";
        });
        return isUndefined
            ? new UnexpandedNode(path, scalar.Position)
            : new ConfigScalar(
                path, scalar.Position, ScalarType.Text, expanded, 0, !ReferenceEquals(expanded, scalar.Text));
    }

    private ConfigNode FileContent(YamlScalar scalar, string path, string file)
    {
        try
        {
            if (!Path.IsPathRooted(file))
            {
                return Fail(scalar, path, $"${{file:{file}}}: the path must be absolute");
            }

            if (Directory.Exists(file))
            {
                return Fail(scalar, path, $"{file} is a directory, not a file");
            }

            if (!File.Exists(file))
            {
                return Fail(scalar, path, $"{file} does not exist");
            }

            return ReferencedFile.Read(file) is { } content
                ? new ConfigScalar(path, scalar.Position, ScalarType.Text, content.Text, 0, true)
                {
                    File = content.CanBeReadAgain ? file : null,
                }
                : Fail(scalar, path, $"{file} is larger than 1 MiB");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Fail(scalar, path, $"{file} cannot be read: {e.Message}");
        }
    }

    private UnexpandedNode Fail(YamlScalar scalar, string path, string text)
    {
        reading.Problem(scalar.Position, path, text);
        return new UnexpandedNode(path, scalar.Position);
    }

    [GeneratedRegex(@"\$\{([A-Za-z0-9_]+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex VariableReference();

    [GeneratedRegex(@"^\$\{file:(.+)\}\z", RegexOptions.CultureInvariant)]
    private static partial Regex FileReference();
}
