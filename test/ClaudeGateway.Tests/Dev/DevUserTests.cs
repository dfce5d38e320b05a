using ClaudeGateway.Dev;

namespace ClaudeGateway.Tests.Dev;

public sealed class DevUserTests
{
    [Fact]
    public void A_typed_user_has_what_was_typed()
    {
        var user = DevUser.Read(" Mary@Example.com ", "", "a, b ,,c d", out _)!;
        Assert.Equal("mary@example.com", user.Sub);
        Assert.Equal("Mary@Example.com", user.Email);
        Assert.Equal("Mary", user.Name);
        Assert.Equal(["a", "b", "c d"], user.Groups);
    }

    [Theory]
    [InlineData("")]
    [InlineData("mary")]
    [InlineData("@example.com")]
    [InlineData("mary@")]
    [InlineData("a@b@c")]
    [InlineData("a b@example.com")]
    public void What_is_no_address_is_refused_with_a_sentence(string email)
    {
        Assert.Null(DevUser.Read(email, "", "", out var problem));
        Assert.Contains("name@example.com", problem, StringComparison.Ordinal);
    }
}
