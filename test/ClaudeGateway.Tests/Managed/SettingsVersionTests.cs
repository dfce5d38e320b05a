using ClaudeGateway.Managed;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Managed;

public sealed class SettingsVersionTests
{
    private const string Checksum = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Other = "sha256:ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Fact]
    public void A_version_is_the_beginning_of_a_checksum()
    {
        Assert.Equal("0123456789ab", SettingsVersion.Of(Checksum));
        Assert.True(SettingsVersion.Is(Checksum, "0123456789ab"));
        Assert.False(SettingsVersion.Is(Other, "0123456789ab"));
        Assert.False(SettingsVersion.Is("sha256:0123456789ab", "0123456789ab"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256:0123456789ab")]
    [InlineData("sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF")]
    [InlineData("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n")]
    public void What_is_no_checksum_has_no_version(string? text) => Assert.Null(SettingsVersion.Of(text));

    [Theory]
    [InlineData(Checksum, null, Checksum)]
    [InlineData(Checksum, $"\"{Other}\"", Checksum)]
    [InlineData(null, $"\"{Checksum}\"", Checksum)]
    [InlineData(null, $"W/\"{Checksum}\"", Checksum)]
    [InlineData(null, $"\"a\", \"{Checksum}\", \"{Other}\"", Checksum)]
    [InlineData(null, "*", null)]
    [InlineData(null, "\"sha256:", null)]
    [InlineData(null, "\"sha256:0123\"", null)]
    [InlineData(null, $"\"{Checksum}", null)]
    [InlineData(null, $"\"{Checksum}0\"", null)]
    [InlineData(null, null, null)]
    public void A_poll_names_what_the_client_holds_in_its_hint_or_else_its_tag(
        string? hint, string? ifNoneMatch, string? held)
    {
        IHeaderDictionary headers = new HeaderDictionary();
        headers[SettingsVersion.HintHeader] = hint;
        headers.IfNoneMatch = ifNoneMatch;
        Assert.Equal(held, SettingsVersion.HeldBy(headers));
    }
}
