using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Settings;

/// <summary>
/// The schemas of both kinds of settings document: the built-in ones, or those with an operator's additions
/// (<c>managed.settings_schema</c>). One instance belongs to one configuration snapshot.
/// </summary>
internal sealed class SettingsSchemas
{
    public const string CliName = "cli";
    public const string DesktopName = "desktop";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Lazy<SettingsSchema> _cli;
    private readonly Lazy<SettingsSchema> _desktop;

    private SettingsSchemas(Func<JsonElement> cli, Func<JsonElement> desktop)
    {
        _desktop = new(() => new SettingsSchema(desktop(), null));
        _cli = new(() => new SettingsSchema(cli(), _desktop));
    }

    /// <summary>
    /// What this release knows. Parsed when the first document is checked, never on a boot without policies.
    /// </summary>
    public static SettingsSchemas BuiltIn { get; } = new(() => Embedded(CliName), () => Embedded(DesktopName));

    /// <summary>For <c>cli</c>, <c>code</c> and <c>settings</c> blocks.</summary>
    public SettingsSchema Cli => _cli.Value;

    /// <summary>For <c>desktop</c> blocks.</summary>
    public SettingsSchema Desktop => _desktop.Value;

    public static SettingsSchemas Of(JsonElement cli, JsonElement desktop) => new(() => cli, () => desktop);

    /// <summary>
    /// The built-in data in the form <c>managed.settings_schema</c> takes: what <c>schema --settings</c> prints.
    /// </summary>
    public static string Text() => new JsonObject
    {
        [CliName] = JsonNode.Parse(BuiltIn.Cli.Json.GetRawText()),
        [DesktopName] = JsonNode.Parse(BuiltIn.Desktop.Json.GetRawText()),
    }.ToJsonString(Indented);

    private static JsonElement Embedded(string name)
    {
        var file = $"settings-{name}.schema.json";
        using var stream = typeof(SettingsSchemas).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"{file} is not embedded");
        return JsonDocument.Parse(stream).RootElement;
    }
}
