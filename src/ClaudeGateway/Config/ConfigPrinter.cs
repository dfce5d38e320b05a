using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;

namespace ClaudeGateway.Config;

/// <summary>
/// Prints a configuration as YAML with references resolved, defaults filled in and secrets masked: values whose shape
/// is secret, and inside settings documents every value that came from a reference.
/// </summary>
internal sealed partial class ConfigPrinter
{
    private const string Mask = "***";

    private static readonly JsonText Quoted = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private readonly StringBuilder _text = new();

    public static string Print(ConfigNode root)
    {
        var printer = new ConfigPrinter();
        printer.Write(root, RootSection.Shape, 0);
        return printer._text.ToString().TrimStart('\n');
    }

    private void Write(ConfigNode node, Shape? shape, int indent)
    {
        switch (node)
        {
            case ConfigMap map when shape?.KeysFor(map) is { } keys:
                WriteObject(shape.Canonical(map), keys, indent);
                break;
            case ConfigMap map:
                // Without a shape from here on: the free content of a settings document.
                WriteEntries([.. map.Entries.Select(entry => (entry.Key, entry.Value, shape?.Item))], indent);
                break;
            case ConfigList { Items.Count: > 0 } list:
                foreach (var item in list.Items)
                {
                    Line(indent).Append('-');
                    WriteItem(item, shape?.Item ?? shape, indent + 1);
                }

                break;
            case ConfigList:
                _text.Append(" []");
                break;
            default:
                _text.Append(' ').Append(Scalar(node, shape));
                break;
        }
    }

    private void WriteObject(ConfigMap map, IReadOnlyList<Key> keys, int indent) => WriteEntries(
        [.. keys
            .Select(key => (
                key.Name,
                Value: map.Find(key.Name) ?? (key.Default is null ? null : key.DefaultNode()),
                key.Shape))
            .Where(entry => entry.Value is not null)
            .Select(entry => (entry.Name, entry.Value!, (Shape?)entry.Shape))],
        indent);

    private void WriteEntries(IReadOnlyList<(string Name, ConfigNode Value, Shape? Shape)> entries, int indent)
    {
        if (entries.Count == 0)
        {
            _text.Append(" {}");
        }

        foreach (var (name, value, shape) in entries)
        {
            Line(indent).Append(Plain(name)).Append(':');
            Write(value, shape, indent + 1);
        }
    }

    /// <summary>A mapping in a list begins on the line of its dash.</summary>
    private void WriteItem(ConfigNode item, Shape? shape, int indent)
    {
        var start = _text.Length;
        Write(item, shape, indent);
        var firstLine = "\n" + new string(' ', indent * 2);
        if (item is ConfigMap && _text.ToString(start, Math.Min(firstLine.Length, _text.Length - start)) == firstLine)
        {
            _text.Remove(start, firstLine.Length).Insert(start, ' ');
        }
    }

    private StringBuilder Line(int indent) => _text.Append('\n').Append(' ', indent * 2);

    /// <summary>A null shape stands for free content: a settings document.</summary>
    private static string Scalar(ConfigNode node, Shape? shape) => node switch
    {
        ConfigScalar { Type: ScalarType.Text, IsExpanded: true } when shape is null => Plain(Mask),
        ConfigScalar secret when shape is { IsSecret: true } => Plain(shape.Mask(secret.Text)),
        ConfigScalar { Type: ScalarType.Text } text => Plain(text.Text),
        ConfigScalar { Type: ScalarType.Null } => "null",
        ConfigScalar { Type: ScalarType.Number } number when double.IsFinite(number.Number) =>
            JavaScriptNumber.Print(number.Number),
        ConfigScalar { Type: ScalarType.Number } number => number.Text,
        ConfigScalar scalar => scalar.Type is ScalarType.True ? "true" : "false",
        _ => Plain(Mask),
    };

    private static string Plain(string text) =>
        Unquoted().IsMatch(text) ? text : JsonSerializer.Serialize(text, Quoted.String);

    /// <summary>Words that no YAML reader takes for anything but text.</summary>
    [GeneratedRegex(
        @"^(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Unquoted();
}
