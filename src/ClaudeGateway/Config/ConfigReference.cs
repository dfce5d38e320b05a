using System.Text;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Config;

/// <summary>Writes docs/configuration.md from the shapes that read the file.</summary>
internal sealed class ConfigReference
{
    private const string Introduction = """
        # Configuration

        `claude-gateway --config gateway.yaml` reads one YAML file. This page lists every key; it is generated from the code that reads them
        (`claude-gateway schema --format markdown`), and `claude-gateway schema` prints a JSON Schema for editors.

        - `claude-gateway check --config gateway.yaml` checks the file without touching any service; `--print` shows it with references resolved, defaults filled in and secrets masked.
        - Every problem is listed, each with file, line, column, path, and what is allowed. An unknown key is a problem.
        - `${NAME}` inside a string value becomes that environment variable; a whole value `${file:/absolute/path}` becomes that file's content without blanks at its ends. Results are not expanded again. There are no defaults and no escapes; an undefined variable or a missing file is a problem.
        - Numbers may be given as strings, so that `${NAME}` works for them; `true` and `false` may not.
        - YAML anchors, aliases and merge keys work. A key given twice is warned about, and the later one is used.


        """;

    private readonly StringBuilder _text = new(Introduction);
    private readonly Queue<Action> _sections = new();

    public static string Markdown()
    {
        var reference = new ConfigReference();
        reference.Section("Top level", "", "The file as a whole.", RootSection.Shape.KeySets[0].Keys);
        while (reference._sections.TryDequeue(out var section))
        {
            section();
        }

        return reference._text.ToString().TrimEnd('\n') + "\n";
    }

    private void Section(string title, string path, string description, IReadOnlyList<Key> keys)
    {
        _text.Append("## ").Append(title).Append("\n\n").Append(description).Append("\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
        foreach (var key in keys)
        {
            _text.Append("| `").Append(key.Name).Append("` | ").Append(Cell(Type(key))).Append(" | ").Append(Cell(Default(key))).Append(" | ").Append(Cell(Meaning(key))).Append(" |\n");
        }

        _text.Append('\n');
        foreach (var key in keys)
        {
            Enqueue(key, path.Length == 0 ? key.Name : $"{path}.{key.Name}");
        }
    }

    private void Enqueue(Key key, string path)
    {
        var shape = key.Shape;
        while (shape.KeySets.Count == 0 && shape.Item is { } item)
        {
            (shape, path) = (item, path + "[]");
        }

        foreach (var set in shape.KeySets)
        {
            var title = set.Variant is null ? $"`{path}`" : $"`{path}` with `{set.Variant}`";
            _sections.Enqueue(() => Section(title, path, key.Description, set.Keys));
        }
    }

    private static string Type(Key key) => key.Shape.Name;

    private static string Default(Key key) => key switch
    {
        { IsRequired: true } => "**required**",
        { Required: { } when } => when,
        { Default: { } value } => $"`{value}`",
        _ => "",
    };

    private static string Meaning(Key key) => key.Example is null ? key.Description : $"{key.Description} Example: `{key.Example}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
