using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Settings;

public sealed class SchemaReviewTests
{
    [Fact]
    public void The_built_in_schemas_hold_nothing_the_validator_does_not_know()
    {
        foreach (var schema in (SettingsSchema[])[SettingsSchemas.BuiltIn.Cli, SettingsSchemas.BuiltIn.Desktop])
        {
            Assert.Empty(SchemaReview.Of(schema.Json, schema.Json, JsonPlace.Root));
        }
    }

    [Theory]
    [InlineData("5", "/properties/a")]
    [InlineData("""{"type":"text"}""", "/properties/a/type")]
    [InlineData("""{"type":["string",5]}""", "/properties/a/type/1")]
    [InlineData("""{"pattern":"("}""", "/properties/a/pattern")]
    [InlineData("""{"patternProperties":{"(":true}}""", "/properties/a/patternProperties/(")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "/properties/a/$ref")]
    [InlineData("""{"$ref":"https://x.example/schema"}""", "/properties/a/$ref")]
    [InlineData("""{"x-merge":"deep"}""", "/properties/a/x-merge")]
    [InlineData("""{"anyOf":[]}""", "/properties/a/anyOf")]
    [InlineData("""{"enum":"x"}""", "/properties/a/enum")]
    [InlineData("""{"items":[true]}""", "/properties/a/items")]
    [InlineData("""{"properties":[]}""", "/properties/a/properties")]
    [InlineData("""{"required":["x",1]}""", "/properties/a/required")]
    [InlineData("""{"dependentRequired":{"x":"y"}}""", "/properties/a/dependentRequired/x")]
    [InlineData("""{"minItems":0.5}""", "/properties/a/minItems")]
    [InlineData("""{"maximum":"5"}""", "/properties/a/maximum")]
    [InlineData("""{"x-number":[1]}""", "/properties/a/x-number")]
    [InlineData("""{"description":{}}""", "/properties/a/description")]
    [InlineData("""{"not":{"if":{"then":5}}}""", "/properties/a/not/if/then")]
    public void A_fault_is_told_with_its_place(string schema, string place)
    {
        var problem = Assert.Single(Review($$$"""{"properties":{"a":{{{schema}}}}}"""));

        Assert.Equal((ProblemSeverity.Error, place), (problem.Severity, problem.Place.Pointer));
    }

    [Theory]
    [InlineData("""{"a":{"$ref":"#/$defs/a"}}""")]
    [InlineData("""{"a":{"anyOf":[{"not":{"$ref":"#/$defs/b"}}]},"b":{"then":{"$ref":"#/$defs/a"}}}""")]
    public void A_reference_that_leads_back_to_itself_is_refused(string definitions) =>
        Assert.Contains(
            "leads back to itself",
            Assert.Single(Review($$"""{"$defs":{{definitions}}}""")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_chain_of_references_is_not_followed_without_end()
    {
        var definitions = new JsonObject { ["end"] = true };
        for (var i = 0; i < 10_000; i++)
        {
            definitions[$"d{i}"] = new JsonObject { ["$ref"] = i == 9_999 ? "#/$defs/end" : $"#/$defs/d{i + 1}" };
        }

        Assert.Single(Review(new JsonObject { ["$defs"] = definitions }.ToJsonString()));
    }

    [Fact]
    public void A_reference_through_a_member_may_come_back() =>
        Assert.Empty(Review("""{"$defs":{"tree":{"type":"object","properties":{"left":{"$ref":"#/$defs/tree"}}}}}"""));

    [Fact]
    public void What_a_newer_release_added_is_one_warning_for_each_kind()
    {
        var warnings = Review(
            """{"properties":{"a":{"uniqueItems":true,"x-serve":"zipped"},"b":{"uniqueItems":true,"x-future":{}}},"unevaluatedProperties":false}""");

        Assert.All(warnings, w => Assert.Equal(ProblemSeverity.Warning, w.Severity));
        Assert.Equal(
            ["/properties/a/uniqueItems", "/properties/a/x-serve", "/properties/b/x-future", "/unevaluatedProperties"],
            warnings.Select(w => w.Place.Pointer));
        Assert.Contains("at 1 more", warnings[0].Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<SchemaProblem> Review(string schema) =>
        SchemaReview.Of(JsonElement.Parse(schema), JsonElement.Parse(schema), JsonPlace.Root);
}
