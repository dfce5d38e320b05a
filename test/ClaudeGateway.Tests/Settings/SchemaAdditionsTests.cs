using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Settings;
using ClaudeGateway.Tests.Managed;

namespace ClaudeGateway.Tests.Settings;

public sealed class SchemaAdditionsTests
{
    private const string Additions = """
        {
          "properties": {
            "brandNew": { "type": "array", "items": { "$ref": "#/$defs/word" }, "x-merge": "union" },
            "model": { "type": ["string", "null"] },
            "hooks": { "properties": { "NewEvent": { "type": "array", "items": { "$ref": "#/$defs/hookGroup" } } } },
            "permissions": { "properties": { "defaultMode": { "enum": ["zen"] }, "readOnly": { "type": "boolean" } } }
          },
          "$defs": { "word": { "type": "string", "minLength": 1 } }
        }
        """;

    private static readonly SettingsSchemas Extended = SettingsSchemas.Of(
        Over(SettingsSchemas.BuiltIn.Cli, Additions),
        Over(
            SettingsSchemas.BuiltIn.Desktop,
            """{"properties":{"shinySwitch":{"$ref":"#/$defs/bool"},"goneKey":false,"chatTabEnabled":true}}"""));

    [Theory]
    [InlineData("""{"brandNew":["a"],"availableModels":["sonnet"]}""", true)]
    [InlineData("""{"brandNew":[""]}""", false)]
    [InlineData("""{"model":null}""", true)]
    [InlineData("""{"hooks":{"NewEvent":[],"Stop":[]}}""", true)]
    [InlineData("""{"hooks":{"NewEvent":[{}]}}""", false)]
    [InlineData("""{"hooks":{"NoSuchEvent":[]}}""", false)]
    [InlineData("""{"permissions":{"defaultMode":"zen","deny":["Bash"]}}""", true)]
    [InlineData("""{"permissions":{"defaultMode":"plan"}}""", true)]
    [InlineData("""{"permissions":{"defaultMode":"other"}}""", false)]
    [InlineData("""{"permissions":{"readOnly":"yes"}}""", false)]
    [InlineData("""{"brandNewer":[]}""", false)]
    public void What_is_added_is_known_and_all_else_stays_known(string document, bool ok) =>
        Assert.Equal(
            ok, Extended.Cli.Check(Policies.Document(document)).All(p => p.Severity == ProblemSeverity.Warning));

    [Theory]
    [InlineData("""{"shinySwitch":"true"}""", true)]
    [InlineData("""{"shinySwitch":""}""", false)]
    [InlineData("""{"shiny_swich":true}""", false)]
    [InlineData("""{"goneKey":1}""", false)]
    [InlineData("""{"goneKez":1}""", true)]
    [InlineData("""{"banner":{"text":"x"},"chatTabEnabled":"true"}""", true)]
    public void A_new_Desktop_key_is_guarded_against_misspelling_like_the_others(string document, bool ok) =>
        Assert.Equal(
            ok, Extended.Desktop.Check(Policies.Document(document)).All(p => p.Severity == ProblemSeverity.Warning));

    [Fact]
    public void A_new_key_is_merged_as_it_says()
    {
        Assert.Equal(MergeRule.Union, Extended.Cli.MergeRuleOf("brandNew"));
        Assert.Equal(MergeRule.UnionPerKey, Extended.Cli.MergeRuleOf("hooks"));
        Assert.Equal(MergeRule.Permissions, Extended.Cli.MergeRuleOf("permissions"));
        Assert.Equal(
            """{"brandNew":["a","b"]}""",
            new PolicyMerge(Extended.Cli)
            .Over(Policies.Json("""{"brandNew":["a"]}"""), Policies.Json("""{"brandNew":["a","b"]}""")).ToJsonString());
    }

    [Fact]
    public void A_new_Desktop_key_is_served_as_its_schema_says() =>
        Assert.Equal(
            """{"shinySwitch":true}""",
            DesktopDocument.Of(
                new PolicyConfig { Desktop = Policies.Document("""{"shinySwitch":"TRUE"}""") },
                Extended.Desktop)!.ToJsonString());

    [Fact]
    public void The_built_in_data_laid_over_itself_changes_nothing()
    {
        using var printed = JsonDocument.Parse(SettingsSchemas.Text());
        foreach (var (name, schema) in new[] { ("cli", SettingsSchemas.BuiltIn.Cli),
            ("desktop", SettingsSchemas.BuiltIn.Desktop) })
        {
            Assert.True(
                JsonElement.DeepEquals(
                    schema.Json, SchemaAdditions.Over(schema.Json, printed.RootElement.GetProperty(name))),
                name);
        }
    }

    private static JsonElement Over(SettingsSchema builtIn, string added) =>
        SchemaAdditions.Over(builtIn.Json, JsonElement.Parse(added));
}
