using ClaudeGateway.Managed.Warnings;

namespace ClaudeGateway.Tests.Managed.Warnings;

public sealed class PolicyWarningsTests
{
    private const string NoDesktop = "no policy has a desktop block";

    [Theory]
    // order
    [InlineData(
        """[{"cli":{}},{"match":{"groups":["a"]},"cli":{}}]""",
        "managed.policies[1]: never applies: managed.policies[0] before it matches everybody")]
    [InlineData(
        """[{"match":{"groups":["a","b"]},"cli":{}},{"match":{"groups":["b"],"email_domain":"x.com"},"cli":{}}]""",
        "managed.policies[1]: never applies: everybody it matches")]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{}},{"cli":{}},{"cli":{}}]""",
        "managed.policies[2]: never applies")]
    // models
    [InlineData("""[{"cli":{"availableModels":[]}}]""", "managed.policies[0].cli.availableModels: is empty")]
    [InlineData("""[{"cli":{"availableModels":["haiku"]}}]""", "leaves out claude-opus-4-7 (alias opus)")]
    [InlineData("""[{"cli":{"availableModels":["opus","claude-haiku-*"]}}]""", "availableModels[1]: matches no model")]
    [InlineData(
        """[{"cli":{"deniedModels":["opus","claude-haiku-*"]}}]""",
        "deniedModels[1]: matches no model of this gateway, so it denies nothing")]
    // sandbox
    [InlineData(
        """[{"match":{"groups":["a"]},"cli":{"sandbox":{"network":{"allowedDomains":["a.com"]}}}},{"cli":{"sandbox":{"enabled":true,"network":{"allowedDomains":["b.com"],"allowLocalBinding":false}}}}]""",
        "managed.policies[0].cli.sandbox: replaces the whole sandbox of managed.policies[1], of which it drops "
            + "enabled, network.allowLocalBinding")]
    // desktop
    [InlineData("""[{"cli":{}}]""", NoDesktop)]
    [InlineData("""[{"cli":{},"desktop":{"banner":{"text":"x"}}}]""", "desktop.banner: is not shown")]
    [InlineData("""[{"cli":{},"desktop":{"builtinToolPolicy":{"Bash":"ask-session"}}}]""", "ask-session")]
    [InlineData(
        """[{"cli":{},"desktop":{"managedMcpServers":[{"name":"m","url":"https://x.example"}]}}]""",
        "without transport")]
    [InlineData(
        """[{"cli":{"sandbox":{"network":{"allowedDomains":["a.com","bad host"]}}},"desktop":{}}]""",
        "allowedDomains[1]: is no host")]
    [InlineData("""[{"cli":{},"desktop":{}}]""", "cli blocks do not reach Claude Desktop's Code tab")]
    [InlineData("""[{"code":{},"desktop":{}}]""", "forceLoginGatewayUrl")]
    public void What_is_probably_not_meant_is_told(string policies, string warning) =>
        Assert.Contains(Warnings(policies), w => w.Contains(warning, StringComparison.Ordinal));

    [Theory]
    [InlineData(
        """[{"match":{"groups":["a"]},"cli":{}},{"match":{"groups":["a","b"]},"cli":{}},{"match":{"email_domain":"x.com"},"cli":{}},{"cli":{}}]""")]
    [InlineData("""[{"cli":{"availableModels":["haiku"],"model":"haiku"}}]""")]
    [InlineData("""[{"cli":{"availableModels":["haiku"],"enforceAvailableModels":true}}]""")]
    [InlineData("""[{"cli":{"availableModels":["claude-opus-4"]}}]""")]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{"model":"x"}},{"cli":{"sandbox":{"enabled":true}}}]""")]
    public void What_is_meant_is_not_warned_about(string policies) =>
        Assert.Contains(NoDesktop, Assert.Single(Warnings(policies)), StringComparison.Ordinal);

    [Fact]
    public void Layered_policies_with_the_same_groups_all_apply() =>
        Assert.DoesNotContain(
            Warnings("""[{"match":{"groups":["a"]},"cli":{}},{"match":{"groups":["a"]},"cli":{}}]""", "layered"),
            w => w.Contains("never applies", StringComparison.Ordinal));

    [Fact]
    public void A_warning_names_the_place_in_the_file() =>
        Assert.StartsWith(
            $"gateway.yaml:{Policies.FirstLine}:",
            Warnings("""[{"cli":{"availableModels":[]}}]""")[0],
            StringComparison.Ordinal);

    [Fact]
    public void Without_policies_there_is_nothing_to_say() => Assert.Empty(PolicyWarnings.Of(Policies.Config("")));

    private static IReadOnlyList<string> Warnings(string policies, string mode = "first_match") =>
        PolicyWarnings.Of(Policies.Config($$"""managed: { policy_mode: {{mode}}, policies: {{policies}} }"""));
}
