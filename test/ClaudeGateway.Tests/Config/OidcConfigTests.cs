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
            oidc with { EntraGroups = true },
            oidc with { EntraGraphUrl = new("https://graph.microsoft.us") },
            oidc with { UserIdClaim = "oid" },
            oidc with { GroupsJsonPath = ClaimPath.Parse("$.groups") },
            oidc with { CaCertPem = "pem" },
            oidc with { UsePkce = false },
        ];
        Assert.All(others, other => Assert.False(oidc.SaysTheSameAs(other)));
    }

    [Theory]
    [InlineData("https://login.microsoftonline.com/t/v2.0", null, "https://graph.microsoft.com/")]
    [InlineData("https://login.microsoftonline.us/t/v2.0", null, "https://graph.microsoft.us/")]
    [InlineData("https://login.partner.microsoftonline.cn/t/v2.0", null, "https://microsoftgraph.chinacloudapi.cn/")]
    [InlineData(
        "https://login.microsoftonline.us/t/v2.0", "https://dod-graph.microsoft.us", "https://dod-graph.microsoft.us/")]
    public void Graph_is_that_of_the_issuers_cloud_unless_named(string issuer, string? named, string expected)
    {
        var url = named is null ? "" : $",\"entra_graph_url\":\"{named}\"";
        var yaml = Yaml.With($$$"""{"oidc":{"issuer":"{{{issuer}}}","entra_groups":true{{{url}}}}}""");
        Assert.Equal(expected, Yaml.Read(yaml).Config!.Oidc.EntraGraphUrl.AbsoluteUri);
    }
}
