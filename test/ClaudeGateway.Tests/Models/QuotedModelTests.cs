using ClaudeGateway.Models;

namespace ClaudeGateway.Tests.Models;

public sealed class QuotedModelTests
{
    [Theory]
    [InlineData("claude-opus-9", "claude-opus-9")]
    [InlineData(" padded ", " padded ")]
    [InlineData("a\"<b>\\c", "a\"<b>\\c")]
    [InlineData("op\u001b[31mus\t\n\u007f", "op[31mus")]
    [InlineData("opus é😀\u2028", "opus ")]
    public void Only_printable_ASCII_is_quoted(string model, string quoted) =>
        Assert.Equal(quoted, QuotedModel.Of(model));

    [Fact]
    public void A_long_name_is_cut()
    {
        Assert.Equal(new string('a', 128), QuotedModel.Of(new string('a', 128)));
        Assert.Equal(new string('a', 128) + "...", QuotedModel.Of(new string('a', 129)));
    }
}
