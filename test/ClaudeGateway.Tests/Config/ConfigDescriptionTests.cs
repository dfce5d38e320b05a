using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Tests.Config;

/// <summary>The shapes describe themselves: documentation and schema cannot say what the reader does not do.</summary>
public sealed class ConfigDescriptionTests
{
    [Fact]
    public void The_documentation_is_what_the_code_says()
    {
        var file = Repository("docs/configuration.md");
        Assert.True(
            File.ReadAllText(file) == ConfigReference.Markdown(),
            "docs/configuration.md is out of date: claude-gateway schema --format markdown > docs/configuration.md");
    }

    [Fact]
    public void Every_example_and_default_is_accepted_by_its_own_key()
    {
        var keys = Walk(RootSection.Shape).Distinct().ToList();
        Assert.True(keys.Count > 100, $"{keys.Count} keys");
        foreach (var (key, text) in keys.SelectMany(key => new[] { (key, Text: key.Example), (key, Text: key.Default) })
            .Where(pair => pair.Text is not null))
        {
            // What refers to the environment or to files cannot be read here.
            if (text!.Contains("${", StringComparison.Ordinal) || text.StartsWith("/etc/", StringComparison.Ordinal))
            {
                continue;
            }

            var reading = new ConfigReading(Yaml.Environment());
            Assert.True(
                key.TryRead(Key.Parse(Quoted(key, text)), reading, out _),
                $"{key.Name}: {text}: {string.Join("; ", reading.Problems)}");
        }
    }

    [Fact]
    public void Every_key_is_described()
    {
        foreach (var key in Walk(RootSection.Shape))
        {
            Assert.True(key.Description.EndsWith('.'), key.Name);
        }
    }

    [Fact]
    public void The_schema_knows_every_key_with_type_and_default()
    {
        var schema = ConfigSchema.Create();
        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.Equal(
            ["listen", "oidc", "session", "store", "upstreams"],
            schema["required"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal(8080, schema["properties"]!["listen"]!["properties"]!["port"]!["default"]!.GetValue<int>());
        Assert.Equal(7, schema["properties"]!["upstreams"]!["items"]!["oneOf"]!.AsArray().Count);
        Assert.Equal(
            "#/$defs/settings-cli",
            schema["properties"]!["managed"]!["properties"]!["policies"]!["items"]!["properties"]!["cli"]!["$ref"]!.GetValue<string>());
    }

    [Fact]
    public void Every_reference_of_the_schema_leads_somewhere()
    {
        var schema = ConfigSchema.Create();
        var references = References(schema).Distinct().ToList();
        Assert.NotEmpty(references);
        foreach (var reference in references)
        {
            JsonNode? node = schema;
            foreach (var part in reference.Split('/').Skip(1))
            {
                node = node?[part];
            }

            Assert.True(node is not null, reference);
        }
    }

    /// <summary>
    /// As the tables show them: text examples stand without the quotes that some would need in a file.
    /// </summary>
    private static string Quoted(Key key, string text) =>
        key.Shape.Name.StartsWith("text", StringComparison.Ordinal) && !text.StartsWith('"')
        ? System.Text.Json.JsonSerializer.Serialize(text)
        : text;

    private static IEnumerable<Key> Walk(Shape shape)
    {
        var keys = shape.KeySets.SelectMany(set => set.Keys);
        var item = shape.Item is { } inner ? Walk(inner) : [];
        return keys.SelectMany(key => Walk(key.Shape).Prepend(key)).Concat(item);
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject map =>
            map.SelectMany(
                entry =>
                    entry.Key == "$ref" && entry.Value is JsonValue value
                    ? [value.GetValue<string>()]
                    : References(entry.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };

    private static string Repository(string path, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "../../..", path);
}
