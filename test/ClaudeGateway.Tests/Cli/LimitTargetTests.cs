using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Cli;

public sealed class LimitTargetTests
{
    [Theory]
    [InlineData("250", "25000")]
    [InlineData("$12.5", "1250")]
    [InlineData(" 0.01 ", "1")]
    [InlineData("9999999999999999.99", "999999999999999999")]
    public void Dollars_are_whole_cents(string dollars, string cents) =>
        Assert.Equal(cents, LimitTarget.Cents(dollars));

    [Theory]
    [InlineData("12,10", "comma")]
    [InlineData("1,000", "comma")]
    [InlineData("$$5", "not an amount")]
    [InlineData("1.234", "not an amount")]
    [InlineData("-5", "not an amount")]
    [InlineData("1e3", "not an amount")]
    [InlineData("10000000000000000", "not an amount")]
    [InlineData("79228162514264337593543950335", "not an amount")]
    [InlineData("", "not an amount")]
    public void What_may_be_read_in_two_ways_or_none_is_refused(string dollars, string words) =>
        Assert.Contains(
            words, Assert.Throws<OperatorException>(() => LimitTarget.Cents(dollars)).Message,
            StringComparison.Ordinal);
}
