using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.SignIn.Claims;

namespace ClaudeGateway.Tests.SignIn;

public sealed class ClaimMappingTests
{
    [Theory]
    [InlineData("""["eng","ops","eng"," x "]""", "eng,ops,eng, x ")]
    [InlineData("""["eng",5,null,"",{"a":1},["b"]]""", "eng")]
    [InlineData("\"eng,ops\"", "eng,ops")]
    [InlineData("\"\"", "")]
    [InlineData("[]", "")]
    [InlineData("{\"a\":1}", "")]
    [InlineData("5", "")]
    public void Groups_are_the_texts_of_a_list_or_one_text(string value, string expected) =>
        Assert.Equal(expected, string.Join(',', Mapping().Groups(Claims($"{{\"groups\":{value}}}"))));

    [Theory]
    [InlineData("""{"upn":"u@x.com","email":"e@x.com"}""", "u@x.com")]
    [InlineData("""{"email":"e@x.com"}""", "e@x.com")]
    [InlineData("""{"upn":5,"email":"e@x.com"}""", null)]
    [InlineData("""{"upn":"","email":"e@x.com"}""", null)]
    [InlineData("{}", null)]
    public void The_first_email_claim_that_is_present_counts_even_when_it_is_of_no_use(string claims,
        string? expected) =>
        Assert.Equal(expected, Mapping("upn", "email").EmailText(Claims(claims)));

    [Theory]
    [InlineData("true", false)]
    [InlineData("\"true\"", false)]
    [InlineData("null", false)]
    [InlineData("false", true)]
    [InlineData("\"false\"", true)]
    [InlineData("\"TRUE\"", true)]
    [InlineData("1", true)]
    [InlineData("0", true)]
    [InlineData("\"\"", true)]
    [InlineData("[]", true)]
    public void An_address_is_verified_unless_the_IdP_says_something_other_than_true(string value, bool unverified) =>
        Assert.Equal(unverified, ClaimMapping.SaysUnverified(Claims($"{{\"email_verified\":{value}}}")));

    [Fact]
    public void An_IdP_that_never_speaks_of_verification_is_believed() =>
        Assert.False(ClaimMapping.SaysUnverified(Claims("{}")));

    private static JsonElement Claims(string json) => JsonDocument.Parse(json).RootElement;

    private static ClaimMapping Mapping(params string[] emailClaims) => new(new OidcConfig
    {
        Issuer = new Uri("https://idp.example.com"),
        IssuerText = "https://idp.example.com",
        ClientId = "c",
        EmailClaims = emailClaims.Length > 0 ? emailClaims : ["email"],
    });
}
