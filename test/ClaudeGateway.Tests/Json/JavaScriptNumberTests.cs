using ClaudeGateway.Json;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Json;

public sealed class JavaScriptNumberTests
{
    [Theory]
    [InlineData(100.0, "100")]
    [InlineData(0.1, "0.1")]
    [InlineData(-0.0, "0")]
    [InlineData(1e21, "1e+21")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1e-6, "0.000001")]
    [InlineData(1e-7, "1e-7")]
    [InlineData(1.5e-10, "1.5e-10")]
    [InlineData(123456789012345680000d, "123456789012345680000")]
    [InlineData(-12.5, "-12.5")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData(double.NaN, "null")]
    [InlineData(double.PositiveInfinity, "null")]
    public void Numbers_print_as_in_JSON_stringify(double value, string printed) =>
        Assert.Equal(printed, JavaScriptNumber.Print(value));

    [Fact]
    public void What_is_printed_reads_back_as_the_same_number() =>
        Prop.ForAll<double>(
            value =>
                !double.IsFinite(value)
                || JavaScriptNumber.Parse(JavaScriptNumber.Print(value)) == value).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("", 0.0)]
    [InlineData(" 12 ", 12.0)]
    [InlineData("0b101", 5.0)]
    [InlineData("5.", 5.0)]
    [InlineData("-.5e1", -5.0)]
    public void Strings_become_numbers(string text, double value) => Assert.Equal(value, JavaScriptNumber.Parse(text));

    [Theory]
    [InlineData("1_0")]
    [InlineData("0x")]
    [InlineData("-0x1")]
    [InlineData("1 2")]
    [InlineData("nan")]
    public void Other_strings_do_not(string text) => Assert.True(JavaScriptNumber.Parse(text) is null or 0);
}
