using ClaudeGateway.Sessions;

namespace ClaudeGateway.Tests.Sessions;

public sealed class EmailDomainTests
{
    [Theory]
    [InlineData("a@Example.com", true)]
    [InlineData("\"a@b\"@example.com", true)]
    [InlineData("a@sub.example.com", false)]
    [InlineData("a@example.com.evil.com", false)]
    [InlineData("@example.com", false)]
    [InlineData("example.com", false)]
    [InlineData(null, false)]
    public void The_domain_is_what_stands_after_the_last_at_sign_of_an_address(string? email, bool expected)
    {
        Assert.Equal(expected, EmailDomain.Is(email, "example.com"));
    }
}
