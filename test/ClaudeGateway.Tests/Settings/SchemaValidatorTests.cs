using System.Text.Json;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Settings;

public sealed class SchemaValidatorTests
{
    [Theory]
    // type
    [InlineData("""{"type":"string"}""", "\"\"", "5")]
    [InlineData("""{"type":"integer"}""", "24.0", "1.5")]
    [InlineData("""{"type":"boolean"}""", "false", "0")]
    [InlineData("""{"type":["string","null"]}""", "null", "[]")]
    [InlineData("""{"type":"object"}""", "{}", "[]")]
    // constants
    [InlineData("""{"const":"a"}""", "\"a\"", "\"b\"")]
    [InlineData("""{"enum":[0,1]}""", "1.0", "true")]
    // texts
    [InlineData("""{"pattern":"^a$"}""", "\"a\"", "\"a\\n\"")]
    [InlineData("""{"minLength":1}""", "\"x\"", "\"\"")]
    [InlineData("""{"maxLength":2}""", "\"😀\"", "\"😀x\"")]
    [InlineData("""{"format":"regex"}""", "\"(a)\"", "\"(\"")]
    [InlineData("""{"x-number":[1,72]}""", "\" 72 \"", "\"73\"")]
    [InlineData("""{"x-number":[1,null]}""", "\"99999\"", "\"0\"")]
    // numbers
    [InlineData("""{"minimum":1}""", "1", "0")]
    [InlineData("""{"maximum":1}""", "1", "1.1")]
    [InlineData("""{"exclusiveMinimum":0}""", "0.1", "0")]
    // lists
    [InlineData("""{"items":{"type":"string"}}""", """["a"]""", """["a",1]""")]
    [InlineData("""{"minItems":1}""", "[1]", "[]")]
    [InlineData("""{"maxItems":1}""", "[1]", "[1,2]")]
    [InlineData("""{"x-unique":"name"}""", """[{"name":"a"},{"name":"b"},{}]""", """[{"name":"a"},{"name":"a"}]""")]
    // maps
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"b":1}""", """{"a":1}""")]
    [InlineData("""{"properties":{"a":false}}""", """{"b":1}""", """{"a":1}""")]
    [InlineData("""{"patternProperties":{"^x":{"not":{}}}}""", """{"a":1}""", """{"xa":1}""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """{"a":1}""", """{"b":1}""")]
    [InlineData("""{"additionalProperties":{"type":"string"}}""", """{"a":"x"}""", """{"a":1}""")]
    [InlineData("""{"propertyNames":{"pattern":"^[a-z]+$"}}""", """{"a":1}""", """{"A":1}""")]
    [InlineData("""{"required":["a"]}""", """{"a":null}""", "{}")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """{"b":1}""", """{"a":1}""")]
    [InlineData("""{"x-distinct":["a","b"]}""", """{"a":"1","b":"2"}""", """{"a":"1","b":"1"}""")]
    [InlineData(
        """{"x-rule":"an inline (settings) source's name equals its key"}""",
        """{"m":{"source":{"source":"settings","name":"m"}}}""",
        """{"m":{"source":{"source":"settings","name":"n"}}}""")]
    // combinations
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":3}]}""", "2", "4")]
    [InlineData("""{"anyOf":[{"type":"string"},{"type":"null"}]}""", "null", "1")]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":3}]}""", "0", "2")]
    [InlineData("""{"not":{"required":["a","b"]}}""", """{"a":1}""", """{"a":1,"b":2}""")]
    [InlineData(
        """{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}""",
        """{"c":1}""",
        """{"a":1}""")]
    [InlineData(
        """{"$defs":{"t":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/t"}}}""",
        """{"a":"x"}""",
        """{"a":1}""")]
    public void Every_keyword_lets_the_right_value_pass_and_refuses_the_wrong_one(
        string schema, string right, string wrong)
    {
        Assert.Empty(Errors(schema, right));
        Assert.NotEmpty(Errors(schema, wrong));
    }

    [Theory]
    [InlineData("""{"pattern":"x"}""", "5")]
    [InlineData("""{"minimum":1}""", "\"a\"")]
    [InlineData("""{"items":{"type":"string"}}""", "{}")]
    [InlineData("""{"required":["a"]}""", "[]")]
    public void A_keyword_for_another_kind_of_value_says_nothing(string schema, string value) =>
        Assert.Empty(Errors(schema, value));

    [Fact]
    public void A_keyword_of_a_newer_release_has_no_effect() => Assert.Empty(Errors("""{"minProperties":1}""", "{}"));

    [Theory]
    [InlineData("bannr", "banner")]
    [InlineData("chat_tab", "chatTab")]
    public void A_near_miss_is_refused_where_unknown_keys_pass(string key, string meant)
    {
        const string Schema =
            """{"properties":{"banner":{},"chatTab":{}},"x-typo-guard":2,"x-settable":[],"x-typo-names":["banner","chatTab"]}""";

        Assert.Equal(meant, Assert.Single(Errors(Schema, $$"""{"{{key}}":1}""")).Suggestion);
        Assert.Empty(Errors(Schema, """{"bannerxxx":1}"""));
    }

    [Fact]
    public void A_top_level_key_in_a_place_below_is_refused()
    {
        const string Schema =
            """{"properties":{"banner":{"properties":{"text":{}},"x-typo-guard":2},"chatTabEnabled":{}}}""";

        Assert.Equal(
            "/banner/chatTabEnabled",
            Assert.Single(Errors(Schema, """{"banner":{"chatTabEnabled":true}}""")).Place.Pointer);
    }

    [Fact]
    public void An_unchecked_value_a_client_does_not_expect_is_only_warned_about()
    {
        var problem = Assert.Single(
            Check("""{"properties":{"theme":{"x-unchecked":true,"x-expected":{"type":"string"}}}}""",
                """{"theme":5}"""));

        Assert.Equal(ProblemSeverity.Warning, problem.Severity);
    }

    [Fact]
    public void Alternatives_are_explained_by_the_one_that_was_meant()
    {
        const string Schema = """
            {"oneOf":[
              {"type":"object","properties":{"source":{"const":"github"},"repo":{"type":"string"}},"required":["source","repo"]},
              {"type":"object","properties":{"source":{"const":"url"},"url":{"type":"string"}},"required":["source","url"]}]}
            """;

        Assert.Equal("\"repo\" is required", Assert.Single(Errors(Schema, """{"source":"github"}""")).Message);
        Assert.Equal("must be github or url", Assert.Single(Errors(Schema, """{"source":"gitlab"}""")).Message);
        Assert.Equal("must be a map, not a string", Assert.Single(Errors("""{"type":"object"}""", "\"x\"")).Message);
    }

    private static List<SchemaProblem> Errors(string schema, string value) =>
        [.. Check(schema, value).Where(p => p.Severity == ProblemSeverity.Error)];

    private static List<SchemaProblem> Check(string schema, string value) =>
        new SchemaValidator(JsonElement.Parse(schema)).Check(JsonElement.Parse(value));
}
