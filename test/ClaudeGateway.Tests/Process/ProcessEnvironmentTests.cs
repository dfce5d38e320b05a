using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Process;

public sealed class ProcessEnvironmentTests
{
    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("TRUE", true)]
    [InlineData("Yes", true)]
    [InlineData("on", true)]
    [InlineData(" 1 ", true)]
    [InlineData("", false)]
    [InlineData("0", false)]
    [InlineData("2", false)]
    [InlineData("false", false)]
    [InlineData("no", false)]
    [InlineData("off", false)]
    [InlineData("y", false)]
    [InlineData(null, false)]
    public void A_switch_is_on_only_by_a_word_that_says_so(string? value, bool on) =>
        Assert.Equal(on, ProcessEnvironment.IsTrue(value));
}
