using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Process;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Cli;

public sealed class LimitTargetTests
{
    [Theory]
    [InlineData("250", "25000")]
    [InlineData("12.10", "1210")]
    [InlineData("12.1000", "1210")]
    [InlineData(".5", "50")]
    [InlineData("0.00", "0")]
    [InlineData("007", "700")]
    [InlineData("0.29", "29")]
    [InlineData("$12.5", "1250")]
    [InlineData(" 0.01 ", "1")]
    [InlineData("9999999999999999.99", "999999999999999999")]
    public void Dollars_are_whole_cents(string dollars, string cents) =>
        Assert.Equal(cents, LimitTarget.Cents(dollars, "--amount"));

    [Theory]
    [InlineData("12,10", "comma")]
    [InlineData("1,000", "comma")]
    [InlineData("$$5", "not an amount")]
    [InlineData("1.234", "not an amount")]
    [InlineData("-5", "not an amount")]
    [InlineData("1e3", "not an amount")]
    [InlineData("10000000000000000", "not an amount")]
    [InlineData("12.1000000000000000000000000000000000001", "not an amount")]
    [InlineData("12.10.0", "not an amount")]
    [InlineData(".", "not an amount")]
    [InlineData("٣", "not an amount")]
    [InlineData("12 10", "not an amount")]
    [InlineData("0x10", "not an amount")]
    [InlineData("79228162514264337593543950335", "not an amount")]
    [InlineData("", "not an amount")]
    public void What_may_be_read_in_two_ways_or_none_is_refused(string dollars, string words) =>
        Assert.Matches(
            $"^--budget: '.*' .*{words}",
            Assert.Throws<OperatorException>(() => LimitTarget.Cents(dollars, "--budget")).Message);

    [Fact]
    public void Every_amount_of_cents_is_read_exactly_as_it_is_written() =>
        Check.QuickThrowOnFailure(Prop.ForAll<PositiveInt, byte>((whole, part) =>
            LimitTarget.Cents($"{whole.Get}.{part % 100:00}", "--amount")
            == $"{whole.Get}{part % 100:00}"));
}
