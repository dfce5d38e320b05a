using System.Text.Json;
using ClaudeGateway.Settings;
using ClaudeGateway.Tests.Managed;

namespace ClaudeGateway.Tests.Settings;

public sealed class SettingsSchemaTests
{
    public static TheoryData<string, string, bool> Documents()
    {
        using var file = typeof(SettingsSchemaTests).Assembly.GetManifestResourceStream("settings-documents.json")!;
        using var documents = JsonDocument.Parse(file);
        var data = new TheoryData<string, string, bool>();
        foreach (var entry in documents.RootElement.EnumerateArray())
        {
            data.Add(
                entry.GetProperty("block").GetString()!,
                entry.GetProperty("document").GetRawText(),
                entry.GetProperty("ok").GetBoolean());
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Documents_are_judged_as_the_reference_judges_them(string block, string document, bool ok) =>
        Assert.Equal(
            ok,
            !Errors(block == "cli" ? SettingsSchemas.BuiltIn.Cli : SettingsSchemas.BuiltIn.Desktop, document).Any());

    [Theory]
    [InlineData("modl", "model")]
    [InlineData("availableModel", "availableModels")]
    public void An_unknown_settings_key_is_refused_with_what_was_meant(string key, string meant)
    {
        var problem = Assert.Single(Errors(SettingsSchemas.BuiltIn.Cli, $$"""{"{{key}}":1}"""));

        Assert.Equal(("unknown settings key", meant), (problem.Message, problem.Suggestion));
    }

    [Fact]
    public void A_problem_names_its_place_in_the_file_and_as_a_path()
    {
        var yaml = """
            managed:
              policies:
                - cli:
                    permissions:
                      deny:
                        - Bash
                        - bash
            """;

        var error = Assert.Single(Policies.Read(yaml).Errors);

        Assert.StartsWith(
            $"gateway.yaml:{Policies.FirstLine + 6}:15 managed.policies[0].cli.permissions.deny[1]: ",
            error,
            StringComparison.Ordinal);
        Assert.EndsWith("did you mean 'Bash'?", error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_documents_of_all_policies_are_told_in_one_run()
    {
        var errors = Policies.Read(
            "managed: { policies: [{ match: { groups: [a] }, cli: { modl: 1 }, desktop: { bannr: 1 } }, { cli: { "
                + "hooks: { PreTool: [] } } }] }").Errors;

        Assert.Equal(
            [
                "managed.policies[0].cli.modl",
                "managed.policies[0].desktop.bannr",
                "managed.policies[1].cli.hooks.PreTool"],
            errors.Select(e => e.Split(' ')[1].TrimEnd(':')));
    }

    [Fact]
    public void Unknown_settings_can_be_let_through_with_a_warning()
    {
        var result = Policies.Read(
            "managed: { policies: [{ cli: { brandNewKey: 1, hooks: { NewEvent: [] }, model: 5 } }], unknown_settings: "
                + "warn }");

        Assert.Contains("cli.model", Assert.Single(result.Errors), StringComparison.Ordinal);
        Assert.Equal(
            ["managed.policies[0].cli.brandNewKey", "managed.policies[0].cli.hooks.NewEvent"],
            result.Warnings.Select(w => w.Path));
    }

    [Fact]
    public void A_value_whose_variable_is_missing_is_told_once() =>
        Assert.Contains(
            "environment variable",
            Assert.Single(Policies.Read("managed: { policies: [{ cli: { model: \"${NOT_SET}\" } }] }").Errors),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("sshHostAllowlist")]
    [InlineData("chatTabEnabled")]
    public void A_key_of_Claude_Desktop_is_sent_to_the_desktop_block(string key) =>
        Assert.Contains(
            "desktop block",
            Assert.Single(Errors(SettingsSchemas.BuiltIn.Cli, $$"""{"{{key}}":true}""")).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("browserExternalPageTools")]
    [InlineData("disableBrowserExternalNavigation")]
    [InlineData("disableMobileSimulatorTools")]
    [InlineData("disableDesktopLocalSessions")]
    public void What_the_reference_does_not_know_is_unknown_here_too(string key) =>
        Assert.Equal(
            "unknown settings key",
            Assert.Single(Errors(SettingsSchemas.BuiltIn.Cli, $$"""{"{{key}}":true}""")).Message);

    [Theory]
    [InlineData("""{"xaaIdp":{"issuer":"https://i","clientId":"c"}}""", true)]
    [InlineData("""{"xaaIdp":{"issuer":"http://i","clientId":"","callbackPort":5}}""", true)]
    [InlineData("""{"xaaIdp":{"issuer":"https://i"}}""", false)]
    [InlineData("""{"xaaIdp":{"issuer":"i","clientId":"c"}}""", false)]
    [InlineData("""{"xaaIdp":{"issuer":"https://i","clientId":"c","callbackPort":0}}""", false)]
    public void The_identity_provider_of_xaa_is_known_when_its_build_gate_is_set(string document, bool ok)
    {
        Assert.Equal(
            ok,
            SettingsSchemas.BuiltIn.Cli.Check(
                Policies.Document(document), isOn: variable => variable == "CLAUDE_CODE_ENABLE_XAA").Count == 0);

        var locked = Assert.Single(Errors(SettingsSchemas.BuiltIn.Cli, document));
        Assert.Contains("CLAUDE_CODE_ENABLE_XAA=1", locked.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{"hooks":{"PreSkillShellCommand":[{"hooks":[{"type":"command","command":"x","onFailure":"block"}]}]}}""",
        true)]
    [InlineData("""{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x","onFailure":"stop"}]}]}}""", false)]
    [InlineData("""{"hooks":{"Stop":[{"hooks":[{"type":"http","url":"https://x","onFailure":5}]}]}}""", false)]
    [InlineData("""{"hooks":{"Stop":[{"hooks":[{"type":"mcp_tool","server":"s","tool":"t","onFailure":5}]}]}}""", true)]
    [InlineData("""{"permissions":{"defaultMode":"manual","denyInsteadOfPrompting":true}}""", true)]
    [InlineData("""{"sandbox":{"credentials":{"files":[{"path":"x","mode":"deny","extract":5}]}}}""", true)]
    [InlineData("""{"sandbox":{"credentials":{"files":[{"path":"x","mode":"mask","extract":5}]}}}""", false)]
    [InlineData(
        """{"strictKnownMarketplaces":[{"source":"settings","name":"x","plugins":[{"name":"p","source":{"source":"command","command":"c","timeout":600,"mode":"link"}}]}]}""",
        true)]
    [InlineData(
        """{"strictKnownMarketplaces":[{"source":"settings","name":"x","plugins":[{"name":"p","source":{"source":"command","command":"c","timeout":601}}]}]}""",
        false)]
    [InlineData(
        """{"strictKnownMarketplaces":[{"source":"settings","name":"x","plugins":[{"name":"p","source":{"source":"command","command":"c","mode":"move"}}]}]}""",
        false)]
    public void Values_of_newer_settings_are_judged_as_the_reference_judges_them(string document, bool ok) =>
        Assert.Equal(ok, !Errors(SettingsSchemas.BuiltIn.Cli, document).Any());

    [Theory]
    [InlineData("modelCatalogUrl", "\" https://x.example/c \"", true)]
    [InlineData("modelCatalogUrl", "\"x.example:8443/a b\"", true)]
    [InlineData("modelCatalogUrl", "\" localhost \"", false)]
    [InlineData("modelCatalogUrl", "\"https://a.localhost./\"", false)]
    [InlineData("modelCatalogUrl", "\"0.0.0.0\"", false)]
    [InlineData("modelCatalogUrl", "\"https://2130706433\"", false)]
    [InlineData("modelCatalogUrl", "\"https://[::ffff:127.0.0.1]\"", false)]
    [InlineData("modelCatalogUrl", "\"https://256.1.1.1\"", false)]
    [InlineData("modelCatalogUrl", "\"https://u:p@x.example\"", false)]
    [InlineData("modelCatalogUrl", "\"ftp://x.example\"", false)]
    [InlineData("defaultModelEffort", "\" xHigh\\n\"", true)]
    [InlineData("defaultModelEffort", "\"auto\"", false)]
    [InlineData("inferenceCredentialHelperWindows", "\"x\"", false)]
    [InlineData("autoUpdaterEnforcementHours", "\"0x18\"", true)]
    [InlineData("autoUpdaterEnforcementHours", "true", true)]
    [InlineData("autoUpdaterEnforcementHours", "[[\"7.0\"]]", true)]
    [InlineData("autoUpdaterEnforcementHours", "[7,8]", false)]
    [InlineData("autoUpdaterEnforcementHours", "\"7.5\"", false)]
    [InlineData("configRecheckIntervalMinutes", "true", false)]
    [InlineData("relaunchEnforcementHours", "[7]", false)]
    [InlineData("chatTabEnabled", "\" true\"", true)]
    [InlineData("load_test_mode", "{}", false)]
    [InlineData("toString", "1", false)]
    [InlineData("_otlp_future", "1", false)]
    [InlineData("banner", """{"text":"x","inference_x":1}""", false)]
    public void Values_of_Desktop_keys_are_judged_as_the_reference_judges_them(string key, string value, bool ok) =>
        Assert.Equal(ok, !Errors(SettingsSchemas.BuiltIn.Desktop, $$"""{"{{key}}":{{value}}}""").Any());

    [Fact]
    public void The_old_name_of_MCP_servers_points_to_the_new_one() =>
        Assert.Equal(
            "managedMcpServers",
            Assert.Single(Errors(SettingsSchemas.BuiltIn.Cli, """{"mcpServers":{}}""")).Suggestion);

    [Theory]
    [InlineData("deploymentDisplayName", "\"\"")]
    [InlineData("banner", "null")]
    public void An_empty_value_of_a_Desktop_key_is_refused(string key, string value) =>
        Assert.Equal(
            "/" + key, Assert.Single(Errors(SettingsSchemas.BuiltIn.Desktop, $$"""{"{{key}}":{{value}}}""")).Pointer);

    [Fact]
    public void Desktop_lists_may_be_JSON_in_a_text() =>
        Assert.Empty(
            Errors(
                SettingsSchemas.BuiltIn.Desktop,
                """{"coworkEgressAllowedHosts":"[\"x.example\"]","banner":"{\"text\":\"hi\"}"}"""));

    [Fact]
    public void No_message_holds_the_value_that_is_wrong() =>
        Assert.All(
            SettingsSchemas.BuiltIn.Cli.Check(
                Policies.Document(
                    """{"model":["s3cret"],"effortLevel":"s3cret","permissions":{"deny":["s3cret"],"defaultMode":"s3cret"},"env":{"A":1}}""")),
            p => Assert.DoesNotContain("s3cret", p.Message, StringComparison.Ordinal));

    [Fact]
    public void Every_key_of_both_schemas_takes_any_value_without_a_fault_of_the_validator()
    {
        string[] values = [
            "null",
            "true",
            "5",
            "1.5",
            "\"x\"",
            "\"\"",
            "[]",
            "{}",
            """["x"]""",
            "[{}]",
            """{"a":{}}""",
            """{"source":{"source":{}}}""",
            """[{"source":"github","type":"http","transport":"http","server":"github","name":5}]"""];
        foreach (var schema in (SettingsSchema[])[SettingsSchemas.BuiltIn.Cli, SettingsSchemas.BuiltIn.Desktop])
        {
            foreach (var key in schema.Json.GetProperty("properties").EnumerateObject().Select(p => p.Name))
            {
                foreach (var value in values)
                {
                    schema.Check(Policies.Document($$"""{"{{key}}":{{value}}}"""));
                }
            }
        }
    }

    private static IEnumerable<SettingsProblem> Errors(SettingsSchema schema, string document) =>
        schema.Check(Policies.Document(document)).Where(p => p.Severity == ProblemSeverity.Error);
}
