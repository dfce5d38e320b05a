using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Managed;

public sealed class DesktopDocumentTests
{
    [Theory]
    [InlineData("chatTabEnabled", "\"false\"", "false")]
    [InlineData("chatTabEnabled", "\"TRUE \"", "true")]
    [InlineData("coworkTabEnabled", "1", "true")]
    [InlineData("coworkTabEnabled", "true", "true")]
    [InlineData("inferenceTokenWindowHours", "\" +24 \"", "24")]
    [InlineData("inferenceModelPricingMultiplier", "\" .5 \"", "0.5")]
    [InlineData("deploymentDisplayName", "\" Corp \"", "\"Corp\"")]
    [InlineData("deploymentOrganizationUuid", "\" u \"", "\" u \"")]
    [InlineData("userContentRendererUrl", "\" x.example/a \"", "\"https://x.example/a\"")]
    [InlineData("coworkEgressAllowedHosts", "\"[\\\"x.example\\\"]\"", "[\"x.example\"]")]
    [InlineData("disabledBuiltinTools", """["Bash","Read","Bash"]""", """["Bash","Read"]""")]
    [InlineData("sshHostAllowlist", """[" a ","b"]""", """["a","b"]""")]
    [InlineData("builtinToolPolicy", """{"Bash":"ask-session","Read":"allow"}""", """{"Bash":"ask","Read":"allow"}""")]
    [InlineData(
        "allowedWorkspaceFolders",
        """["~/work",{"path":"/srv","mode":"ro"}]""",
        """[{"path":"~/work"},{"path":"/srv","mode":"ro"}]""")]
    [InlineData(
        "claudeAiImport",
        """{"bannerBehavior":"detect"}""",
        """{"bannerBehavior":"detect","enabled":false,"exportEnabled":false}""")]
    [InlineData(
        "orgPluginSettings",
        """[{"serverName":"s"},{"serverName":"t","tools":[{"toolName":"x","permission":"ask-session"}]}]""",
        """[{"serverName":"s","tools":[]},{"serverName":"t","tools":[{"toolName":"x","permission":"ask"}]}]""")]
    [InlineData(
        "orgPluginSettings",
        """{"mcpServers":{"s":{"toolPolicy":{"t":"ask-session","u":"blocked"}},"z":{}}}""",
        """[{"serverName":"s","tools":[{"toolName":"t","permission":"ask"},{"toolName":"u","permission":"blocked"}]},{"serverName":"z","tools":[]}]""")]
    [InlineData("orgPluginSettings", "\"{}\"", "[]")]
    [InlineData("orgPluginSettings", "\"[{\\\"serverName\\\":\\\"s\\\"}]\"", """[{"serverName":"s","tools":[]}]""")]
    [InlineData("claudeAiImport", """{"bannerBehavior":" "}""", """{"enabled":false,"exportEnabled":false}""")]
    [InlineData(
        "claudeAiImport", """{"bannerBehavior":null,"enabled":true}""", """{"enabled":true,"exportEnabled":false}""")]
    [InlineData("userContentRendererUrl", "\"\\thttps://x.example\\n\"", "\"https://x.example\"")]
    [InlineData(
        "allowedPluginMarketplaces",
        """[{"source":"url","url":" x.example/m.json "}]""",
        """[{"source":"url","url":"https://x.example/m.json"}]""")]
    [InlineData(
        "allowedPluginMarketplaces",
        """[{"source":"url","url":"x.example/m.json"}]""",
        """[{"source":"url","url":"https://x.example/m.json"}]""")]
    [InlineData("inferenceModelPricing", """[{"name":" m ","inputPerMtok":1}]""",
        """[{"name":"m","inputPerMtok":1}]""")]
    [InlineData("modelCatalogUrl", "\" x.example/c \"", "\"https://x.example/c\"")]
    [InlineData("modelCatalogUrl", "\"//x.example\"", "\"https:////x.example\"")]
    [InlineData("modelCatalogUrl", "\"HTTPS://X.example\"", "\"HTTPS://X.example\"")]
    [InlineData("defaultModelEffort", "\" xHigh\\n\"", "\"xhigh\"")]
    [InlineData("chatTabEnabled", "\" true\"", "true")]
    [InlineData("autoUpdaterEnforcementHours", "true", "1")]
    [InlineData("autoUpdaterEnforcementHours", "[[\"7.0\"]]", "7")]
    [InlineData("autoUpdaterEnforcementHours", "\"0x10\"", "16")]
    [InlineData("inferenceModelPricingMultiplier", "[\"5e-1\"]", "0.5")]
    [InlineData("futureKey", "\" 1 \"", "\" 1 \"")]
    public void Values_are_served_in_the_form_Claude_Desktop_reads(string key, string written, string served) =>
        AssertServed(key, written, served);

    [Theory]
    [InlineData(
        """{"name":"m","url":"mcp.example.com/x"}""",
        """{"name":"m","transport":"http","url":"https://mcp.example.com/x"}""")]
    [InlineData(
        """{"name":"p","transport":"stdio","command":"npx","startupTimeoutSec":" 30 "}""",
        """{"name":"p","transport":"stdio","command":"npx","startupTimeoutSec":30}""")]
    [InlineData(
        """{"name":"p","transport":"stdio","command":"npx","startupTimeoutSec":"0x1e"}""",
        """{"name":"p","transport":"stdio","command":"npx","startupTimeoutSec":30}""")]
    [InlineData(
        """{"name":"g","server":"github","clientId":"x","host":"ghe.example.com"}""",
        """{"name":"g","server":"github","clientId":"x","host":"https://ghe.example.com"}""")]
    [InlineData(
        """{"name":"o","transport":"policy-only","toolPolicy":{"t":"ask-session","u":"blocked"}}""",
        """{"name":"o","transport":"policy-only","toolPolicy":{"t":"ask","u":"blocked"}}""")]
    [InlineData(
        """{"name":"g","server":"github","clientId":"x","toolsets":" repos , issues,"}""",
        """{"name":"g","server":"github","clientId":"x","toolsets":"repos,issues"}""")]
    [InlineData(
        """{"name":"g","server":"github","clientId":"x","toolsets":"a,,b,a"}""",
        """{"name":"g","server":"github","clientId":"x","toolsets":"a,b,a"}""")]
    [InlineData(
        """{"name":"g","server":"github","clientId":"x","toolsets":" "}""",
        """{"name":"g","server":"github","clientId":"x"}""")]
    public void MCP_servers_state_transport_and_https(string written, string served) =>
        AssertServed("managedMcpServers", $"[{written}]", $"[{served}]");

    [Theory]
    [InlineData("true", """{"mode":"dcr"}""")]
    [InlineData("{}", """{"mode":"dcr"}""")]
    [InlineData("""{"mode":"dcr"}""", """{"mode":"dcr"}""")]
    [InlineData("""{"clientId":" c "}""", """{"mode":"byo","clientId":"c","asSelection":{"via":"prm"}}""")]
    [InlineData("""{"scopes":["a","b"]}""", """{"mode":"byo","scope":"a b","asSelection":{"via":"prm"}}""")]
    [InlineData(
        """{"clientId":"c","authorizationServer":["https://a"]}""",
        """{"mode":"byo","clientId":"c","authorizationServer":["https://a"],"asSelection":{"via":"issuer","authorizationServer":["https://a"]}}""")]
    [InlineData(
        """{"clientId":"c","tenantId":"t","scope":"s"}""",
        """{"mode":"byo","clientId":"c","tenantId":"t","scope":"s","asSelection":{"via":"tenant","tenantId":"t"}}""")]
    [InlineData(
        """{"mode":"hosted","authorizationServer":["https://a"]}""",
        """{"mode":"hosted","authorizationServer":["https://a"],"asSelection":{"via":"issuer","authorizationServer":["https://a"]}}""")]
    public void OAuth_of_an_MCP_server_states_its_mode(string written, string served) =>
        AssertServed(
            "managedMcpServers",
            $$"""[{"name":"m","transport":"http","url":"https://x","oauth":{{written}}}]""",
            $$"""[{"name":"m","transport":"http","url":"https://x","oauth":{{served}}}]""");

    [Fact]
    public void OAuth_switched_off_is_left_out() =>
        AssertServed(
            "managedMcpServers",
            """[{"name":"m","transport":"http","url":"https://x","oauth":false}]""",
            """[{"name":"m","transport":"http","url":"https://x"}]""");

    [Fact]
    public void A_policy_without_the_block_has_no_document() =>
        Assert.Null(DesktopDocument.Of(new PolicyConfig(), SettingsSchemas.BuiltIn.Desktop));

    private static void AssertServed(string key, string written, string served)
    {
        var block = new PolicyDocument(
            "desktop", JsonElement.Parse($$"""{"{{key}}":{{written}}}"""), new Dictionary<string, ConfigPosition>());
        var value = DesktopDocument.Of(new PolicyConfig { Desktop = block }, SettingsSchemas.BuiltIn.Desktop)![key];
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(served), value), value?.ToJsonString());
    }
}
