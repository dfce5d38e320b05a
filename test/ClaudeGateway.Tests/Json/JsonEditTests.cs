using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Json;

public sealed class JsonEditTests
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    [Theory]
    [InlineData("""{"model":"a"}""", """{"model":"b"}""")]
    [InlineData(
        """{ "x" : 1.0 , "model" : "a" , "y":12345678901234567890123 }""",
        """{ "x" : 1.0 , "model" : "b" , "y":12345678901234567890123 }""")]
    [InlineData("""{"m\u006fdel":5}""", """{"m\u006fdel":"b"}""")]
    [InlineData("""{"x":{"model":"a"}}""", """{"x":{"model":"a"}}""")]
    public void Replacing_a_value_keeps_every_other_byte(string json, string expected) =>
        Assert.Equal(expected, Text(new JsonEdit(Encoding.UTF8.GetBytes(json)).Replace("model"u8,
            "\"b\""u8.ToArray())));

    [Theory]
    [InlineData("""{"tags":1}""", """{}""")]
    [InlineData("""{"tags":1,"a":2}""", """{"a":2}""")]
    [InlineData("""{"a":2,"tags":1}""", """{"a":2}""")]
    [InlineData("""{"a":2 , "tags":1 , "b":3}""", """{"a":2 , "b":3}""")]
    [InlineData("""{"tags":1,"tags":2,"a":2,"tags":{"a":[1,2]},"tags":null}""", """{"a":2}""")]
    [InlineData("""{ "tags":1 , "tags":2 }""", """{  }""")]
    [InlineData("""{"metadata":{"tags":1}}""", """{"metadata":{"tags":1}}""")]
    public void Removing_a_member_takes_one_comma_along(string json, string expected) =>
        Assert.Equal(expected, Text(new JsonEdit(Encoding.UTF8.GetBytes(json)).Remove("tags"u8)));

    [Theory]
    [InlineData("""{}""", """{"v":"1","w":2}""")]
    [InlineData("""{"a":1}""", """{"v":"1","w":2,"a":1}""")]
    [InlineData("""{"tags":1}""", """{"v":"1","w":2}""")]
    public void Added_members_come_first(string json, string expected) =>
        Assert.Equal(
            expected,
            Text(
                new JsonEdit(Encoding.UTF8.GetBytes(json)).Remove("tags"u8).Add("v"u8, "\"1\""u8.ToArray())
                .Add("w"u8, "2"u8.ToArray())));

    [Fact]
    public void Any_document_is_edited_as_a_parser_would_and_keeps_the_rest_byte_for_byte() =>
        Prop.ForAll(JsonTexts.Objects, json =>
        {
            var edited = Text(
                new JsonEdit(Encoding.UTF8.GetBytes(json)).Remove("tags"u8).Replace("model"u8,
                    "\"new\""u8.ToArray()).Add("first"u8, "[1]"u8.ToArray()));
            var expected = new List<(string, string)> { ("first", "[1]") };
            expected.AddRange(
                Members(json).Where(m => m.Name != "tags").Select(m => m.Name == "model" ? (m.Name, "\"new\"") : m));
            Assert.Equal(expected, Members(edited));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_edit_that_changes_nothing_gives_the_same_bytes() =>
        Prop.ForAll(
            JsonTexts.Objects,
            json =>
                Assert.Equal(json, Text(new JsonEdit(Encoding.UTF8.GetBytes(json)).Remove("absent"u8))))
                    .QuickCheckThrowOnFailure();

    private static string Text(JsonEdit edit) =>
        string.Concat(edit.Apply().Select(piece => Encoding.UTF8.GetString(piece.Span)));

    private static List<(string Name, string Raw)> Members(string json)
    {
        using var document = JsonDocument.Parse(json, Deep);
        return [.. document.RootElement.EnumerateObject().Select(m => (m.Name, m.Value.GetRawText()))];
    }
}
