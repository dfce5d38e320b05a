using System.Globalization;
using System.Text.Json.Nodes;
using ClaudeGateway.Json;
using ClaudeGateway.Managed;
using ClaudeGateway.Tests.Managed;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Json;

public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData("""{ "b": 1, "a": [ true, null ] }""", """{"a":[true,null],"b":1}""")]
    [InlineData(
        """{"k2":1,"k10":1,"é":1,"Z":1,"_":1,"a":1,"😀":1,"ｚ":1,"":1}""",
        """{"":1,"Z":1,"_":1,"a":1,"k10":1,"k2":1,"é":1,"😀":1,"ｚ":1}""")]
    [InlineData(
        """{"a":1,"10":1,"9":1,"":1,"-1":1,"01":1,"0":1,"4294967295":1,"4294967294":1,"1.5":1}""",
        """{"0":1,"9":1,"10":1,"4294967294":1,"":1,"-1":1,"01":1,"1.5":1,"4294967295":1,"a":1}""")]
    [InlineData("""{"a":{"b":{},"a":[]}}""", """{"a":{"a":[],"b":{}}}""")]
    [InlineData(
        """["\"q\"\\/\u0001\u001f\b\f\n\r\t\u007f<&>'\u2028"]""",
        "[\"\\\"q\\\"\\\\/\\u0001\\u001f\\b\\f\\n\\r\\t\u007f<&>'\u2028\"]")]
    public void Keys_are_sorted_by_code_unit_and_texts_escaped_as_JavaScript_does(string json, string canonical) =>
        Assert.Equal(canonical, CanonicalJson.Write(JsonNode.Parse(json)));

    [Theory]
    [InlineData("100.0", "100")]
    [InlineData("1e21", "1e+21")]
    [InlineData("123456789012345678901", "123456789012345680000")]
    [InlineData("1e-7", "1e-7")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("-0.0", "0")]
    [InlineData("-0.5", "-0.5")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("9.9999999999999999e22", "1e+23")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("1.5E+3", "1500")]
    public void Numbers_are_printed_as_JavaScript_does(string json, string canonical) =>
        Assert.Equal(canonical, CanonicalJson.Write(JsonNode.Parse(json)));

    [Fact]
    public void Any_number_reads_back_as_itself() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<double>(number =>
        !double.IsFinite(number)
        || double.Parse(CanonicalJson.Write(JsonValue.Create(number)), CultureInfo.InvariantCulture)
        .Equals(number is 0 ? 0 : number)));

    [Fact]
    public void The_checksum_is_the_one_the_reference_gives()
    {
        // A document of odd keys and numbers, and what the reference answers for it.
        const string Json = """
            {"env":{"é":"ü","a":"\"q\"\\/\u0001","Z":"1","z10":"<&>","😀":"emoji","_":"\u2028","tab":"a\tb"},"pluginConfigs":{"p@m":{"options":{"n":1.5,"i":100.0,"big":1e21,"small":1e-7,"neg":-0.5,"t":true,"list":["b","a"],"k2":"","k10":"x"}}},"model":"x"}
            """;

        var document = SettingsDocument.Of(Policies.Json(Json));

        Assert.Equal("sha256:bdb66036bb0c4d4efa804ed8670fc7765736be2a4a7eb01370dc8f71106ddc2e", document.Checksum);
        var body = JsonNode.Parse(document.Body.Span)!;
        Assert.Equal(document.Checksum, body["uuid"]!.GetValue<string>());
        Assert.Equal($"\"{document.Checksum}\"", document.ETag);
        Assert.True(JsonNode.DeepEquals(Policies.Json(Json), body["settings"]));
    }
}
