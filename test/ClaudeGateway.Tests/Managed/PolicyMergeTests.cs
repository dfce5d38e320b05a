using System.Text.Json.Nodes;
using ClaudeGateway.Managed;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Managed;

public sealed class PolicyMergeTests
{
    private static readonly PolicyMerge Cli = new(SettingsSchemas.BuiltIn.Cli);
    private static readonly PolicyMerge Desktop = new(SettingsSchemas.BuiltIn.Desktop);

    [Theory]
    // replaced
    [InlineData("""{"model":"a"}""", """{"model":"b"}""", """{"model":"b"}""")]
    [InlineData("""{"model":"a"}""", """{"language":"x"}""", """{"model":"a","language":"x"}""")]
    [InlineData("""{"availableModels":["a"]}""", """{"availableModels":[]}""", """{"availableModels":[]}""")]
    [InlineData("""{"sandbox":{"enabled":true}}""", """{"sandbox":{}}""", """{"sandbox":{}}""")]
    [InlineData(
        """{"attribution":{"commit":"c","pr":"p"}}""",
        """{"attribution":{"commit":"r"}}""",
        """{"attribution":{"commit":"r"}}""")]
    [InlineData(
        """{"allowedMcpServers":[{"serverName":"a"}]}""",
        """{"allowedMcpServers":[{"serverName":"b"}]}""",
        """{"allowedMcpServers":[{"serverName":"b"}]}""")]
    [InlineData(
        """{"strictKnownMarketplaces":[1]}""",
        """{"strictKnownMarketplaces":[2]}""",
        """{"strictKnownMarketplaces":[2]}""")]
    [InlineData(
        """{"enabledMcpjsonServers":["a"]}""",
        """{"enabledMcpjsonServers":["b"]}""",
        """{"enabledMcpjsonServers":["b"]}""")]
    [InlineData("""{"policyHelper":{"path":"x"}}""", """{"policyHelper":null}""", """{"policyHelper":null}""")]
    [InlineData("""{"modelPricing":{"multiplier":1}}""", """{"modelPricing":{}}""", """{"modelPricing":{}}""")]
    // unions
    [InlineData(
        """{"deniedModels":["a","b"]}""", """{"deniedModels":["b","c"]}""", """{"deniedModels":["a","b","c"]}""")]
    [InlineData("""{"deniedModels":["a"]}""", """{"deniedModels":[]}""", """{"deniedModels":["a"]}""")]
    [InlineData(
        """{"disabledMcpjsonServers":["a"]}""",
        """{"disabledMcpjsonServers":["a","b"]}""",
        """{"disabledMcpjsonServers":["a","b"]}""")]
    [InlineData(
        """{"deniedMcpServers":[{"serverName":"a","x":1}]}""",
        """{"deniedMcpServers":[{"x":1.0,"serverName":"a"},{"serverName":"b"}]}""",
        """{"deniedMcpServers":[{"serverName":"a","x":1},{"serverName":"b"}]}""")]
    [InlineData(
        """{"blockedMarketplaces":[{"source":"github"}]}""",
        """{"blockedMarketplaces":[{"source":"url"}]}""",
        """{"blockedMarketplaces":[{"source":"github"},{"source":"url"}]}""")]
    [InlineData(
        """{"hooks":{"Stop":[1],"Setup":[1]}}""",
        """{"hooks":{"Stop":[1,2],"PreToolUse":[3]}}""",
        """{"hooks":{"Stop":[1,2],"Setup":[1],"PreToolUse":[3]}}""")]
    [InlineData("""{"deniedModels":["a","a"]}""", """{}""", """{"deniedModels":["a"]}""")]
    [InlineData("""{}""", """{"disabledMcpjsonServers":["a","b","a"]}""", """{"disabledMcpjsonServers":["a","b"]}""")]
    [InlineData(
        """{}""",
        """{"hooks":{"Stop":[1,1]},"permissions":{"deny":["a","a"],"ask":["b","b"],"allow":["c","c"]}}""",
        """{"hooks":{"Stop":[1]},"permissions":{"deny":["a"],"ask":["b"],"allow":["c","c"]}}""")]
    [InlineData(
        """{"hooks":{"Stop":[1,1]},"permissions":{"deny":["a","a"]}}""",
        """{"hooks":{"Setup":[2,2]},"permissions":{"ask":["b","b"]}}""",
        """{"hooks":{"Stop":[1],"Setup":[2]},"permissions":{"deny":["a"],"ask":["b"]}}""")]
    [InlineData("""{"availableModels":["a","a"]}""", """{}""", """{"availableModels":["a","a"]}""")]
    // shallow
    [InlineData(
        """{"env":{"A":"1","B":"1"}}""", """{"env":{"A":"2","C":"2"}}""", """{"env":{"A":"2","B":"1","C":"2"}}""")]
    [InlineData(
        """{"modelOverrides":{"a":"1"}}""",
        """{"modelOverrides":{"b":"2"}}""",
        """{"modelOverrides":{"a":"1","b":"2"}}""")]
    [InlineData(
        """{"skillOverrides":{"a":"on"}}""",
        """{"skillOverrides":{"a":"off"}}""",
        """{"skillOverrides":{"a":"off"}}""")]
    // permissions
    [InlineData(
        """{"permissions":{"allow":["a"],"deny":["a"],"ask":["a"],"defaultMode":"plan"}}""",
        """{"permissions":{"allow":["b"],"deny":["b"],"ask":[]}}""",
        """{"permissions":{"allow":["b"],"deny":["a","b"],"ask":["a"],"defaultMode":"plan"}}""")]
    [InlineData(
        """{"permissions":{"additionalDirectories":["/a"],"someFutureKey":1}}""",
        """{"permissions":{"additionalDirectories":["/b"]}}""",
        """{"permissions":{"additionalDirectories":["/b"],"someFutureKey":1}}""")]
    public void A_policy_merges_over_the_base_by_the_rule_of_each_key(string below, string above, string merged) =>
        AssertMerge(Cli, below, above, merged);

    [Theory]
    [InlineData(
        """{"disabledBuiltinTools":["a","b"]}""",
        """{"disabledBuiltinTools":["b","c"]}""",
        """{"disabledBuiltinTools":["a","b","c"]}""")]
    [InlineData(
        """{"builtinToolPolicy":{"WebSearch":"ask","Write":"allow","Read":"ask"}}""",
        """{"builtinToolPolicy":{"WebSearch":"allow","Write":"ask","Bash":"allow"}}""",
        """{"builtinToolPolicy":{"WebSearch":"ask","Write":"ask","Read":"ask","Bash":"allow"}}""")]
    [InlineData(
        """{"banner":{"text":"b","backgroundColor":"#1"}}""",
        """{"banner":{"text":"r"}}""",
        """{"banner":{"text":"r"}}""")]
    [InlineData(
        """{"coworkEgressAllowedHosts":["a"]}""",
        """{"coworkEgressAllowedHosts":["b"]}""",
        """{"coworkEgressAllowedHosts":["b"]}""")]
    public void Desktop_blocks_merge_by_the_rule_of_each_key(string below, string above, string merged) =>
        AssertMerge(Desktop, below, above, merged);

    [Fact]
    public void Layers_fold_from_the_most_general_to_the_first_match()
    {
        var folded = Cli.Fold(
            [
                Policies.Json("""{"permissions":{"deny":["C"]},"env":{"X":"0"}}"""),
                Policies.Json("""{"permissions":{"deny":["B"]},"env":{"X":"b"}}"""),
                Policies.Json("""{"permissions":{"deny":["A"]}}""")]);

        Assert.True(
            JsonNode.DeepEquals(Policies.Json("""{"permissions":{"deny":["C","B","A"]},"env":{"X":"b"}}"""), folded));
    }

    [Fact]
    public void Merging_a_document_with_itself_or_with_nothing_changes_nothing()
    {
        foreach (var json in Documents())
        {
            var document = Policies.Json(json);
            Assert.True(JsonNode.DeepEquals(document, Cli.Over(document, document)), json);
            Assert.True(JsonNode.DeepEquals(document, Cli.Over(document, [])), json);
            Assert.True(JsonNode.DeepEquals(document, Cli.Over([], document)), json);
        }
    }

    [Fact]
    public void Merging_leaves_its_inputs_alone()
    {
        var (below, above) = (
            Policies.Json("""{"env":{"A":"1"},"deniedModels":["a"]}"""),
            Policies.Json("""{"env":{"B":"2"},"deniedModels":["b"]}"""));

        Cli.Over(below, above);

        Assert.True(JsonNode.DeepEquals(Policies.Json("""{"env":{"A":"1"},"deniedModels":["a"]}"""), below));
        Assert.True(JsonNode.DeepEquals(Policies.Json("""{"env":{"B":"2"},"deniedModels":["b"]}"""), above));
    }

    [Fact]
    public void Every_merge_rule_of_the_schemas_is_known()
    {
        foreach (var schema in (SettingsSchema[])[SettingsSchemas.BuiltIn.Cli, SettingsSchemas.BuiltIn.Desktop])
        {
            Assert.All(schema.Json.GetProperty("properties").EnumerateObject(), key => schema.MergeRuleOf(key.Name));
        }
    }

    private static IEnumerable<string> Documents() =>
    [
        """{"env":{"A":"1"},"permissions":{"deny":["a"],"allow":["b"]},"hooks":{"Stop":[{"hooks":[]}]},"model":"x","sandbox":{"enabled":true},"deniedModels":["a","b"],"policyHelper":null}""",
        """{"availableModels":[],"modelOverrides":{},"hooks":{},"permissions":{}}""",
        "{}",
    ];

    private static void AssertMerge(PolicyMerge merge, string below, string above, string expected)
    {
        var merged = merge.Over(Policies.Json(below), Policies.Json(above));
        Assert.True(JsonNode.DeepEquals(Policies.Json(expected), merged), merged.ToJsonString());
    }
}
