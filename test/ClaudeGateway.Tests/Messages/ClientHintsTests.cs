using ClaudeGateway.Messages;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Messages;

public sealed class ClientHintsTests
{
    [Fact]
    public void The_checksum_is_shortened()
    {
        var hints = Read(
            (
                "x-claude-code-managed-settings-checksum",
                "sha256:" + string.Concat(Enumerable.Repeat("0123456789abcdef", 4))),
            ("x-claude-code-request-class", "main"));

        Assert.Equal(("main", "0123456789ab"), (hints.RequestClass, hints.Settings));
    }

    [Theory]
    [InlineData("sha256:abc")]
    [InlineData("\"sha256:0123\"")]
    [InlineData("")]
    public void What_is_no_checksum_is_left_out(string value) =>
        Assert.Null(Read(("x-claude-code-managed-settings-checksum", value)).Settings);

    [Theory]
    [InlineData("Main class")]
    [InlineData("a-name-longer-than-any-class-there-is")]
    public void What_is_no_word_is_left_out(string value) =>
        Assert.Null(Read(("x-claude-code-request-class", value)).RequestClass);

    private static ClientHints Read(params (string Name, string Value)[] headers)
    {
        var dictionary = new HeaderDictionary();
        foreach (var (name, value) in headers)
        {
            dictionary[name] = value;
        }

        return ClientHints.Read(dictionary);
    }
}
