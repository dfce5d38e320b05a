using ClaudeGateway.Cli;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Managed;

public sealed class ExplainTests
{
    private const string Yaml = """
        listen: { host: 127.0.0.1, public_url: "https://claude.example.com" }
        oidc: { issuer: "https://idp.example.com", client_id: gw, client_secret: s }
        session: { jwt_secret: "test-secret-0123456789-0123456789-0123" }
        store: { sqlite_path: /tmp/never-opened.db }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]
        telemetry: { forward_to: [{ url: "https://otel.example.com" }] }
        managed:
          policies:
            - match: { groups: [eng, ops] }
              cli:
                availableModels: [haiku]
                permissions: { deny: [WebFetch] }
            - match: { email_domain: corp.com }
              cli: {}
            - cli:
                permissions: { deny: [Bash] }
              desktop: { chatTabEnabled: false }
        """;

    [Theory]
    [InlineData("[0] in group ops: used")]
    [InlineData("[1] e-mail a@x.com against domain corp.com: does not match")]
    [InlineData("[2] everybody: used as the base")]
    [InlineData("availableModels = [\"haiku\"]    from managed.policies[0].cli (line 11)")]
    [InlineData(
        "permissions.deny = [\"Bash\",\"WebFetch\"]    from managed.policies[2].cli (line 16) and "
            + "managed.policies[0].cli (line 12)")]
    [InlineData("env.OTEL_METRICS_EXPORTER = \"otlp\"    from the gateway")]
    [InlineData("chatTabEnabled = false    from managed.policies[2].desktop (line 17)")]
    [InlineData("claude-haiku-4-5-20251001")]
    [InlineData("spend limits: not enforced")]
    public void Tells_what_a_developer_is_served_and_where_it_comes_from(string line) =>
        Assert.Contains(line, Explain("ops"), StringComparison.Ordinal);

    [Fact]
    public void Models_a_policy_leaves_out_are_not_listed() =>
        Assert.DoesNotContain("claude-opus", Explain("ops"), StringComparison.Ordinal);

    private static string Explain(params string[] groups)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "gateway.yaml");
        File.WriteAllText(file, Yaml);
        using var output = new StringWriter();
        using var errors = new StringWriter();

        var environment = new ProcessEnvironment(new Dictionary<string, string>());
        var code = ExplainCommand.Run(
            ServeCommand.Read(file, environment),
            new ExplainOptions("alice", "a@x.com", groups),
            environment,
            output,
            errors);

        Assert.Equal((0, ""), (code, errors.ToString()));
        return output.ToString();
    }
}
