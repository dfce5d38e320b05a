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
    // what is on a machine already
    [InlineData("""[{"cli":{}}]""", "managed.policies[0].cli: serves empty settings")]
    [InlineData("""[{"match":{"groups":["a"]},"code":{}}]""", "managed.policies[0].code: serves empty settings")]
    [InlineData("""[{"desktop":{}}]""", "managed.policies[0]: serves empty settings")]
    [InlineData(
        """[{"cli":{"allowManagedHooksOnly":true},"desktop":{}}]""",
        "locks settings (allowManagedHooksOnly) and is served to Claude Desktop, but does not say parentSettingsBehavior")]
    [InlineData(
        """[{"match":{"groups":["a"]},"cli":{"model":"haiku"}},{"cli":{"sandbox":{"network":{"allowManagedDomainsOnly":true}}},"desktop":{}}]""",
        "managed.policies[0].cli: locks settings (sandbox.network.allowManagedDomainsOnly)")]
    [InlineData(
        """[{"cli":{"allowManagedMcpServersOnly":true},"serve_to_desktop":true}]""",
        "locks settings (allowManagedMcpServersOnly)")]
    public void What_is_probably_not_meant_is_told(string policies, string warning) =>
        Assert.Contains(Warnings(policies), w => w.Contains(warning, StringComparison.Ordinal));

    [Theory]
    [InlineData(
        """[{"match":{"groups":["a"]},"cli":{}},{"match":{"groups":["a","b"]},"cli":{}},{"match":{"email_domain":"x.com"},"cli":{}},{"cli":{"model":"haiku"}}]""")]
    [InlineData("""[{"cli":{"allowManagedHooksOnly":true}}]""")]
    [InlineData("""[{"cli":{"availableModels":["haiku"],"model":"haiku"}}]""")]
    [InlineData("""[{"cli":{"availableModels":["haiku"],"enforceAvailableModels":true}}]""")]
    [InlineData("""[{"cli":{"availableModels":["claude-opus-4"]}}]""")]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{"model":"x"}},{"cli":{"sandbox":{"enabled":true}}}]""")]
    public void What_is_meant_is_not_warned_about(string policies) =>
        Assert.Contains(NoDesktop, Assert.Single(Warnings(policies)), StringComparison.Ordinal);

    [Theory]
    [InlineData("""[{"cli":{"allowManagedHooksOnly":true,"parentSettingsBehavior":"merge"},"desktop":{}}]""")]
    [InlineData("""[{"cli":{"allowManagedHooksOnly":true,"parentSettingsBehavior":"first-wins"},"desktop":{}}]""")]
    [InlineData("""[{"cli":{"allowManagedHooksOnly":false},"desktop":{}}]""")]
    public void Locks_with_a_word_on_parent_settings_or_without_effect_are_not_warned_about(string policies) =>
        Assert.DoesNotContain(Warnings(policies), w => w.Contains("parentSettings", StringComparison.Ordinal));

    [Theory]
    [InlineData("fast", """[{"cli":{"model":"fast"},"desktop":{}}]""", true)]
    [InlineData("Anthropic/fast", """[{"cli":{"model":"fast"},"desktop":{}}]""", false)]
    [InlineData("team-Opus", """[{"cli":{"model":"fast"},"desktop":{}}]""", false)]
    [InlineData("fast", """[{"cli":{"deniedModels":["fast"]},"desktop":{}}]""", false)]
    [InlineData("fast", """[{"cli":{"availableModels":["opus"]},"desktop":{}}]""", false)]
    [InlineData("fast", """[{"cli":{"model":"fast"}}]""", false)]
    public void An_id_that_Claude_Desktop_refuses_is_told_where_Desktop_is_served_it(
        string id, string policies, bool warns) =>
        Assert.Equal(
            warns,
            PolicyWarnings
                .Of(
                    Policies.Config(
                        $$"""
                        managed: { policies: {{policies}} }
                        models: [{ id: {{id}}, upstream_model: { anthropic: claude-haiku-4-5 } }]
                        """))
                .Any(w => w.Contains($"models: '{id}' is listed to Claude Desktop", StringComparison.Ordinal)));

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
