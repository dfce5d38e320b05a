using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Tests.Sessions;

public sealed class SealedBoxTests
{
    private const string Old = "old-secret-0123456789-0123456789-0123456789";
    private const string New = "new-secret-0123456789-0123456789-0123456789";

    [Fact]
    public void What_was_sealed_is_opened_again() => Assert.Equal("content", Open([New], Seal([New])));

    // The steps of a rolling rotation: [old] → [new, old] → [new], with replicas of two neighbouring steps at work
    // together.
    [Theory]
    [InlineData(new[] { Old }, new[] { New, Old })]
    [InlineData(new[] { New, Old }, new[] { Old })]
    [InlineData(new[] { New, Old }, new[] { New })]
    [InlineData(new[] { New }, new[] { New, Old })]
    public void During_a_rolling_rotation_either_side_opens_what_the_other_sealed(string[] sealing, string[] opening) =>
        Assert.Equal("content", Open(opening, Seal(sealing)));

    [Fact]
    public void A_secret_that_is_gone_opens_nothing() => Assert.Null(Open([New], Seal([Old])));

    [Fact]
    public void A_box_opens_only_for_its_purpose() => Assert.Null(Box([New]).Open(Seal([New]), "other"u8));

    [Fact]
    public void Two_boxes_of_one_content_differ() => Assert.NotEqual(Seal([New]), Seal([New]));

    private static SealedBox Box(string[] secrets) =>
        new(new SessionSecrets([.. secrets.Select(secret => new Secret(secret))]));

    private static byte[] Seal(string[] secrets) => Box(secrets).Seal("content"u8, "test"u8);

    private static string? Open(string[] secrets, byte[] box) =>
        Box(secrets).Open(box, "test"u8) is { } content ? Encoding.UTF8.GetString(content) : null;
}
