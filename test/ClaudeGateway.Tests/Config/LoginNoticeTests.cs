using System.Text.Json;

namespace ClaudeGateway.Tests.Config;

public sealed class LoginNoticeTests
{
    [Theory]
    [InlineData(" Company\tuse\r\n only ", "Company use only")]
    [InlineData("a \n\n b", "a b")]
    [InlineData("a\u001b[1;31mred\u001b[0m", "ared")]
    [InlineData("a\u001b[?25l\u001b[ q\u001b[>0c\u001b[@b", "ab")]
    [InlineData("a\u001b]0;title\u0007b", "ab")]
    [InlineData("a\u001b]0;two\nlines\u0007b", "ab")]
    [InlineData("\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\", "link")]
    [InlineData("a\u001bPq\u001b\\\u001b^x\u001b\\\u001b_x\u001b\\b", "ab")]
    [InlineData("a\u001b]0;never ended", "a ]0;never ended")]
    [InlineData("a\u001b[31", "a [31")]
    [InlineData("a\u001b\u001b[0mb", "a b")]
    [InlineData("a\u001bcb\u009b31m", "a cb 31m")]
    [InlineData("a\u202eb\u2066c\u2069", "a b c")]
    [InlineData("a\u200b\u200d\u2060\ufeff\u00ad\u180e\ufff9b", "a b")]
    [InlineData("a\u2028b\u2029c", "a b c")]
    [InlineData("a\U000e0041b", "a b")]
    [InlineData("\u00a0a\u00a0\u00a0b\u3000", "a\u00a0\u00a0b")]
    [InlineData("<b>&\"' \U0001f600", "<b>&\"' \U0001f600")]
    public void What_could_forge_the_notice_is_taken_out(string written, string shown) =>
        Assert.Equal(shown, Yaml.ReadValid(With(written)).LoginNotice);

    [Theory]
    [InlineData("")]
    [InlineData(" \t\n")]
    [InlineData("\u202e")]
    [InlineData("\u001b[31m")]
    public void A_notice_of_nothing_visible_is_refused(string written) =>
        Assert.Contains(
            "login_notice: must not be blank",
            Assert.Single(Yaml.Read(With(written)).Errors),
            StringComparison.Ordinal);

    [Fact]
    public void Only_what_is_shown_counts_for_its_length()
    {
        Assert.Equal(
            500,
            Yaml.ReadValid(With("\u001b[1m" + new string('a', 498) + new string(' ',
                99) + "\u001b[0mb")).LoginNotice!.Length);
        Assert.Contains(
            "got 501", Assert.Single(Yaml.Read(With(new string('a', 501))).Errors), StringComparison.Ordinal);
    }

    private static string With(string notice) =>
        Yaml.With($$"""{"login_notice":{{JsonSerializer.Serialize(notice)}}}""");
}
