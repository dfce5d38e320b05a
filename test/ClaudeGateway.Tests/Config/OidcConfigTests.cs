using ClaudeGateway.Config;
using ClaudeGateway.Tests.Managed;

namespace ClaudeGateway.Tests.Config;

public sealed class OidcConfigTests
{
    [Fact]
    public void A_section_read_twice_says_the_same() =>
        Assert.True(Policies.Config("").Oidc.SaysTheSameAs(Policies.Config("login_notice: hi").Oidc));

    [Fact]
    public void The_same_path_read_twice_is_no_difference() =>
        Assert.True((Policies.Config("").Oidc with { GroupsJsonPath = ClaimPath.Parse("$.a") })
        .SaysTheSameAs(Policies.Config("").Oidc with { GroupsJsonPath = ClaimPath.Parse("$.a") }));

    [Fact]
    public void Any_difference_counts()
    {
        var oidc = Policies.Config("").Oidc;
        OidcConfig[] others =
        [
            oidc with { ClientId = "other" },
            oidc with { ClientSecret = new("other") },
            oidc with { ClientSecret = null },
            oidc with { ClientAssertion = new(new("key"), "certificate") },
            oidc with { AllowedEmailDomains = ["example.com"] },
            oidc with { AllowedGroups = ["eng"] },
            oidc with { EmailClaims = ["mail"] },
            oidc with { Scopes = ["openid"] },
            oidc with { ExtraAuthParams = new Dictionary<string, string> { ["a"] = "b" } },
            oidc with { AdditionalAuthorizedParties = ["a"] },
            oidc with { FormActionOrigins = [new("https://login.example.com")] },
            oidc with { GoogleGroups = new("file", "admin@example.com") },
            oidc with { UserIdClaim = "oid" },
            oidc with { GroupsJsonPath = ClaimPath.Parse("$.groups") },
            oidc with { CaCertPem = "pem" },
            oidc with { UsePkce = false },
        ];
        Assert.All(others, other => Assert.False(oidc.SaysTheSameAs(other)));
    }
}
