using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Tests.Json;

public sealed class JsonElementsTests
{
    [Theory]
    [InlineData("""{"a":"x"}""", "x")]
    [InlineData("""{"a":7}""", null)]
    [InlineData("""{"b":"x"}""", null)]
    [InlineData("""["a"]""", null)]
    [InlineData("""{"a":"\ud800"}""", null)]
    [InlineData("""{"\ud800":1}""", null)]
    public void A_member_is_read_as_text_or_not_at_all(string json, string? expected) =>
        Assert.Equal(expected, JsonElement.Parse(json).Text("a"));
}
