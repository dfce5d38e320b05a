using ClaudeGateway.SignIn.Device;

namespace ClaudeGateway.Tests.SignIn;

public sealed class DeviceCodesTests
{
    [Theory]
    [InlineData("BCDF-GHJK")]
    [InlineData("bcdf-ghjk")]
    [InlineData("bcdfghjk")]
    [InlineData(" b c d f  g h j k ")]
    [InlineData("BCDF\u00a0GHJK")]
    [InlineData("BCDF_GHJK.")]
    [InlineData("BCDF\u2013GHJK")]
    public void A_code_is_understood_however_it_is_typed(string typed) =>
        Assert.Equal("BCDF-GHJK", DeviceCodes.NormalizeUserCode(typed));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("BCDF-GHJ")]
    [InlineData("BCDF-GHJKM")]
    [InlineData("ABCD-FGHJ")]
    [InlineData("LCDF-GHJK")]
    [InlineData("BCDF1GHJK")]
    [InlineData("<b>")]
    public void What_can_be_no_code_is_none(string? typed) => Assert.Null(DeviceCodes.NormalizeUserCode(typed));

    [Fact]
    public void A_text_of_any_length_is_looked_at_in_no_time() =>
        Assert.Null(DeviceCodes.NormalizeUserCode(new string('B', 1_000_000)));

    [Fact]
    public void Codes_use_the_twenty_letters_without_vowels_and_L()
    {
        var seen = Enumerable.Range(0, 500).SelectMany(_ => DeviceCodes.Create().UserCode).Distinct().Order();
        Assert.Equal("-BCDFGHJKMNPQRSTVWXYZ", string.Concat(seen));
    }
}
