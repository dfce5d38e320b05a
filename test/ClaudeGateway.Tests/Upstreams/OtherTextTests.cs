using System.Text;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class OtherTextTests
{
    [Theory]
    [InlineData("{\"type\"", true)]
    [InlineData(" \r\n[", true)]
    [InlineData("\uFEFF<html>", true)]
    [InlineData("\"busy\"", true)]
    [InlineData("event: message_start", false)]
    [InlineData("data: {}", false)]
    [InlineData(": comment", false)]
    [InlineData("\0\0\0\u0095", false)]
    [InlineData("", null)]
    [InlineData("\r\n", null)]
    public void Its_first_letter_tells(string text, bool? isOther) =>
        Assert.Equal(isOther, OtherText.IsBeginning(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("{\"error\":\"busy\"}", "{\"error\":\"busy\"}")]
    [InlineData("{\"id\":\"m\",\"content\":[{\"text\":\"hidden\"}]}", "{\"id\":\"m\",…")]
    [InlineData("{\"text\":\"hidden\"}", "{…")]
    [InlineData("<p>a\u001b[0m\r\n\u202e</p>", "<p>a\\u001b[0m\\u000d\\u000a\\u202e</p>")]
    public void What_is_told_holds_no_answer_and_no_control_character(string text, string told) =>
        Assert.EndsWith($": \"{told}\"", OtherText.Describe(Encoding.UTF8.GetBytes(text)), StringComparison.Ordinal);

    [Fact]
    public void What_is_told_is_short() =>
        Assert.InRange(OtherText.Describe(Encoding.UTF8.GetBytes("<" + new string('a', 10_000))).Length, 200, 300);
}
