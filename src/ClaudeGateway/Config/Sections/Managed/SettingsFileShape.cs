using System.Text.Json.Nodes;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Sections.Managed;

/// <summary>
/// The older way of managing settings: a path to a JSON file, which becomes one policy for everybody. A missing file is
/// an empty one, as in the reference, but warned about.
/// </summary>
internal sealed class SettingsFileShape : Shape<PolicyConfig?>
{
    private static readonly TextShape Text = new(0, int.MaxValue, isSecret: false);

    public override string Name => "file path";

    public override JsonObject Schema() => Text.Schema();

    public override bool TryRead(ConfigNode node, ConfigReading reading, out PolicyConfig? value)
    {
        value = null;
        if (!Text.TryRead(node, reading, out var path))
        {
            return false;
        }

        if (path.Length == 0)
        {
            return true;
        }

        if (ReadFile(path, node, reading) is not { } map)
        {
            return false;
        }

        value = new PolicyConfig { Settings = PolicyJson.ToDocument(map) };
        return SettingsBlocks.Check(schemas => schemas.Cli, value.Settings, reading);
    }

    private static ConfigMap? ReadFile(string path, ConfigNode node, ConfigReading reading)
    {
        var empty = new ConfigMap(node.Path, node.Position, []);
        if (!File.Exists(path))
        {
            reading.Warn(node, $"file {path} does not exist; empty settings are served");
            return empty;
        }

        try
        {
            // JSON is YAML; references are not expanded in this file.
            var content = new LiteralNodes(node.Position)
                .Convert(YamlComposer.Compose(File.ReadAllText(path), (_, _) => { }), node.Path);
            if (content is ConfigMap map)
            {
                return map;
            }

            reading.Problem(node, $"{path} must hold a JSON object");
        }
        catch (YamlReadException e)
        {
            reading.Problem(node, $"{path}:{e.Position.Line}:{e.Position.Column} {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reading.Problem(node, $"{path} cannot be read: {e.Message}");
        }

        return null;
    }

    /// <summary>Nodes of another file: they all stand where its path is written.</summary>
    private sealed class LiteralNodes(ConfigPosition position)
    {
        public ConfigNode Convert(YamlNode node, string path) => node switch
        {
            YamlScalar scalar => new ConfigScalar(path, position, scalar.Type, scalar.Text, scalar.Number, false),
            YamlList list =>
                new ConfigList(path, position, [.. list.Items.Select((item, i) => Convert(item, $"{path}[{i}]"))]),
            YamlMap map =>
                new ConfigMap(
                    path,
                    position,
                    [.. map.Entries.Select(entry =>
                        new ConfigEntry(entry.Key, position, Convert(entry.Value, $"{path}.{entry.Key}")))]),
            _ => throw new InvalidOperationException(),
        };
    }
}
