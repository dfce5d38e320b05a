using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Claims;

namespace ClaudeGateway.Tests.SignIn;

public sealed class SignInPolicyTests
{
    [Theory]
    [InlineData("a@example.com", true)]
    [InlineData("a@EXAMPLE.com", true)]
    [InlineData("a@sub.example.com", false)]
    [InlineData("a@notexample.com", false)]
    [InlineData("a@example.com@other.com", false)]
    [InlineData("a@other.com@example.com", true)]
    [InlineData("@example.com", false)]
    [InlineData("a@", false)]
    public void A_domain_is_what_stands_after_the_last_at_sign(string email, bool allowed) =>
        Assert.Equal(
            allowed ? null : "email domain not allowed",
            Refuses(new Identity("s", email, null, []), domains: ["example.com"]));

    [Theory]
    [InlineData(null)]
    [InlineData("example.com")]
    public void With_allowed_domains_an_email_is_needed(string? email) =>
        Assert.StartsWith(
            "id_token missing email claim — configure your IdP to include",
            Refuses(new Identity("s", email, null, []), domains: ["example.com"]),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("eng", true)]
    [InlineData("Eng", false)]
    [InlineData("eng ", false)]
    public void A_group_is_compared_exactly(string group, bool allowed) =>
        Assert.Equal(
            allowed ? null : "user is not a member of an allowed group",
            Refuses(new Identity("s", null, null, [group]), groups: ["ops", "eng"]));

    [Fact]
    public void Without_restrictions_everybody_may() => Assert.Null(Refuses(new Identity("s", null, null, [])));

    private static string? Refuses(Identity identity, string[]? domains = null, string[]? groups = null) =>
        new SignInPolicy(new OidcConfig
        {
            Issuer = new Uri("https://idp.example.com"),
            IssuerText = "https://idp.example.com",
            ClientId = "c",
            AllowedEmailDomains = domains ?? [],
            AllowedGroups = groups ?? [],
        }).Refuses(identity);
}
