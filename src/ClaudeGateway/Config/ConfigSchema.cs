using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>
/// The JSON Schema of gateway.yaml (draft 2020-12), for editors; made from the shapes that read the file.
/// </summary>
internal static class ConfigSchema
{
    public const string CliReference = "#/$defs/settings-cli";
    public const string DesktopReference = "#/$defs/settings-desktop";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Text() => Create().ToJsonString(Indented);

    public static JsonObject Create()
    {
        var schema = RootSection.Shape.Schema();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "gateway.yaml of claude-gateway");
        schema["$defs"] = new JsonObject
        {
            ["settings-cli"] = Embedded(SettingsSchemas.BuiltIn.Cli, CliReference),
            ["settings-desktop"] = Embedded(SettingsSchemas.BuiltIn.Desktop, DesktopReference),
        };
        return schema;
    }

    /// <summary>
    /// The document's own references point into its own root; inside another schema they need its place in front.
    /// </summary>
    private static JsonObject Embedded(SettingsSchema settings, string reference)
    {
        var schema = JsonNode.Parse(settings.Json.GetRawText())!.AsObject();
        schema.Remove("$id");
        schema.Remove("$schema");
        MoveReferences(schema, reference);
        return schema;
    }

    private static void MoveReferences(JsonNode? node, string reference)
    {
        switch (node)
        {
            case JsonObject map:
                if (map["$ref"] is JsonValue value && value.TryGetValue<string>(out var target)
                    && target.StartsWith("#/", StringComparison.Ordinal))
                {
                    map["$ref"] = reference + target[1..];
                }

                foreach (var entry in map)
                {
                    MoveReferences(entry.Value, reference);
                }

                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    MoveReferences(item, reference);
                }

                break;
        }
    }
}
