using System.Text.Json.Nodes;
using ClaudeGateway.Dev;

namespace ClaudeGateway.Tests.Dev;

public sealed class DevToolsTests
{
    [Theory]
    [InlineData("""{"type":"string"}""", "\"example\"")]
    [InlineData("""{"type":["integer","null"],"minimum":5}""", "5")]
    [InlineData("""{"type":"boolean"}""", "false")]
    [InlineData("""{"enum":["a","b"]}""", "\"a\"")]
    [InlineData("""{"const":7}""", "7")]
    [InlineData("""{"anyOf":[{"type":"number"},{"type":"string"}]}""", "1")]
    [InlineData(
        """{"type":"array","items":{"type":"object","required":["x"],"properties":{"x":{"type":"string"}}}}""",
        """[{"x":"example"}]""")]
    [InlineData("""{"type":"object","properties":{"optional":{"type":"string"}}}""", "{}")]
    [InlineData("{}", "{}")]
    public void An_example_fits_its_schema(string schema, string example) =>
        Assert.Equal(example, DevTools.Example(JsonNode.Parse(schema)!.AsObject())!.ToJsonString());

    [Fact]
    public void A_schema_nested_without_end_is_cut()
    {
        var schema = new JsonObject();
        for (var i = 0; i < 60; i++)
        {
            schema = new JsonObject
            {
                ["type"] = "object",
                ["required"] = new JsonArray("next"),
                ["properties"] = new JsonObject { ["next"] = schema }
            };
        }

        Assert.InRange(DevTools.Example(schema)!.ToJsonString().Length, 10, 200);
    }
}
