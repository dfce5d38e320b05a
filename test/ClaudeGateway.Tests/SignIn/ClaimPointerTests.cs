using System.Text.Json;
using ClaudeGateway.SignIn.Claims;

namespace ClaudeGateway.Tests.SignIn;

/// <summary>The examples of RFC 6901 section 5, and flat names.</summary>
public sealed class ClaimPointerTests
{
    private const string Document =
        """{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"https://x.example/groups":9,"a.b":10,"o":{"p":null}}""";

    [Theory]
    [InlineData("/foo/0", "\"bar\"")]
    [InlineData("/", "0")]
    [InlineData("/a~1b", "1")]
    [InlineData("/c%d", "2")]
    [InlineData("/e^f", "3")]
    [InlineData("/g|h", "4")]
    [InlineData("/i\\j", "5")]
    [InlineData("/k\"l", "6")]
    [InlineData("/ ", "7")]
    [InlineData("/m~0n", "8")]
    [InlineData("/o/p", "null")]
    [InlineData("https://x.example/groups", "9")]
    [InlineData("a.b", "10")]
    public void What_is_there_is_found(string name, string expected) =>
        Assert.Equal(expected, Find(name)?.GetRawText());

    [Theory]
    [InlineData("/foo/2")]
    [InlineData("/foo/-")]
    [InlineData("/foo/00")]
    [InlineData("/foo/01")]
    [InlineData("/foo/ 1")]
    [InlineData("/foo/+1")]
    [InlineData("/foo/99999999999999999999")]
    [InlineData("/foo/bar")]
    [InlineData("/o/p/q")]
    [InlineData("/nothing")]
    [InlineData("nothing")]
    [InlineData("o.p")]
    public void What_is_not_there_is_absent(string name) => Assert.Null(Find(name));

    private static JsonElement? Find(string name) => ClaimPointer.Find(JsonDocument.Parse(Document).RootElement, name);
}
