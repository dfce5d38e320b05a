using System.Text.Json;
using ClaudeGateway.Managed.Schema;

namespace ClaudeGateway.Tests.Managed.Schema;

public sealed class SettingsSchemaTests
{
    public static TheoryData<string, string, bool> Documents()
    {
        using var file = typeof(SettingsSchemaTests).Assembly.GetManifestResourceStream("settings-documents.json")!;
        using var documents = JsonDocument.Parse(file);
        var data = new TheoryData<string, string, bool>();
        foreach (var entry in documents.RootElement.EnumerateArray())
        {
            data.Add(entry.GetProperty("block").GetString()!, entry.GetProperty("document").GetRawText(), entry.GetProperty("ok").GetBoolean());
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Documents_are_judged_as_the_reference_judges_them(string block, string document, bool ok) =>
        Assert.Equal(ok, !Errors(block == "cli" ? SettingsSchema.Cli : SettingsSchema.Desktop, document).Any());

    [Theory]
    [InlineData("modl", "model")]
    [InlineData("availableModel", "availableModels")]
    public void An_unknown_settings_key_is_refused_with_what_was_meant(string key, string meant)
    {
        var problem = Assert.Single(Errors(SettingsSchema.Cli, $$"""{"{{key}}":1}"""));

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

        Assert.StartsWith($"gateway.yaml:{Policies.FirstLine + 6}:15 managed.policies[0].cli.permissions.deny[1]: ", error, StringComparison.Ordinal);
        Assert.EndsWith("did you mean 'Bash'?", error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_documents_of_all_policies_are_told_in_one_run()
    {
        var errors = Policies.Read("managed: { policies: [{ match: { groups: [a] }, cli: { modl: 1 }, desktop: { bannr: 1 } }, { cli: { hooks: { PreTool: [] } } }] }").Errors;

        Assert.Equal(["managed.policies[0].cli.modl", "managed.policies[0].desktop.bannr", "managed.policies[1].cli.hooks.PreTool"], errors.Select(e => e.Split(' ')[1].TrimEnd(':')));
    }

    [Fact]
    public void Unknown_settings_can_be_let_through_with_a_warning()
    {
        var result = Policies.Read("managed: { policies: [{ cli: { brandNewKey: 1, hooks: { NewEvent: [] }, model: 5 } }], unknown_settings: warn }");

        Assert.Contains("cli.model", Assert.Single(result.Errors), StringComparison.Ordinal);
        Assert.Equal(["managed.policies[0].cli.brandNewKey", "managed.policies[0].cli.hooks.NewEvent"], result.Warnings.Select(w => w.Path));
    }

    [Fact]
    public void A_value_whose_variable_is_missing_is_told_once() =>
        Assert.Contains("environment variable", Assert.Single(Policies.Read("managed: { policies: [{ cli: { model: \"${NOT_SET}\" } }] }").Errors), StringComparison.Ordinal);

    [Theory]
    [InlineData("sshHostAllowlist")]
    [InlineData("disableDesktopLocalSessions")]
    public void Keys_only_Claude_Desktop_reads_are_allowed_with_a_warning(string key)
    {
        var problem = Assert.Single(SettingsSchema.Cli.Check(Policies.Document($$"""{"{{key}}":true}""")));

        Assert.Equal(ProblemSeverity.Warning, problem.Severity);
    }

    [Theory]
    [InlineData("""{"xaaIdp":{"issuer":"https://i","clientId":"c"}}""", true)]
    [InlineData("""{"xaaIdp":{"issuer":"https://i"}}""", false)]
    public void The_identity_provider_of_xaa_is_known_when_its_build_gate_is_set(string document, bool ok)
    {
        Assert.Equal(ok, SettingsSchema.Cli.Check(Policies.Document(document), xaaEnabled: true).Count == 0);
        Assert.NotEmpty(SettingsSchema.Cli.Check(Policies.Document(document)));
    }

    [Fact]
    public void The_old_name_of_MCP_servers_points_to_the_new_one() =>
        Assert.Equal("managedMcpServers", Assert.Single(Errors(SettingsSchema.Cli, """{"mcpServers":{}}""")).Suggestion);

    [Theory]
    [InlineData("deploymentDisplayName", "\"\"")]
    [InlineData("banner", "null")]
    public void An_empty_value_of_a_Desktop_key_is_refused(string key, string value) =>
        Assert.Equal("/" + key, Assert.Single(Errors(SettingsSchema.Desktop, $$"""{"{{key}}":{{value}}}""")).Pointer);

    [Fact]
    public void Desktop_lists_may_be_JSON_in_a_text() =>
        Assert.Empty(Errors(SettingsSchema.Desktop, """{"coworkEgressAllowedHosts":"[\"x.example\"]","banner":"{\"text\":\"hi\"}"}"""));

    [Fact]
    public void No_message_holds_the_value_that_is_wrong() =>
        Assert.All(
            SettingsSchema.Cli.Check(Policies.Document("""{"model":["s3cret"],"effortLevel":"s3cret","permissions":{"deny":["s3cret"],"defaultMode":"s3cret"},"env":{"A":1}}""")),
            p => Assert.DoesNotContain("s3cret", p.Message, StringComparison.Ordinal));

    [Fact]
    public void Every_key_of_both_schemas_takes_any_value_without_a_fault_of_the_validator()
    {
        string[] values = ["null", "true", "5", "1.5", "\"x\"", "\"\"", "[]", "{}", """["x"]""", "[{}]", """{"a":{}}""", """{"source":{"source":{}}}""", """[{"source":"github","type":"http","transport":"http","server":"github","name":5}]"""];
        foreach (var schema in (SettingsSchema[])[SettingsSchema.Cli, SettingsSchema.Desktop])
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
