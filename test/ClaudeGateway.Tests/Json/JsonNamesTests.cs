using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Tests.Json;

public sealed class JsonNamesTests
{
    [Theory]
    [InlineData("type", true)]
    [InlineData("t\\u0079pe", true)]
    [InlineData("\\u0074\\u0079\\u0070\\u0065", true)]
    [InlineData("typ\\u0065x", false)]
    [InlineData("typ", false)]
    [InlineData("typ\\n", false)]
    [InlineData("\\ttype", false)]
    [InlineData("\\ud800", false)]
    [InlineData("t\\udc00ype", false)]
    [InlineData("\\u00741ype", false)]
    public void A_name_is_compared_with_its_escapes_decoded(string raw, bool expected)
    {
        var json = new Utf8JsonReader(Encoding.UTF8.GetBytes($"\"{raw}\""));
        json.Read();
        Assert.Equal(expected, json.TextIs("type"u8));
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData("\\ud83d\\ude00 \\n\\\\ud800", false)]
    [InlineData("\\ud83d", true)]
    [InlineData("\\ud83dx\\ude00", true)]
    [InlineData("\\ude00\\ud83d", true)]
    [InlineData("a\\\\\\ud83d\\n", true)]
    public void A_surrogate_without_its_other_half_is_found(string raw, bool expected) =>
        Assert.Equal(expected, JsonNames.HasLoneSurrogate(Encoding.UTF8.GetBytes(raw)));
}
