using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Managed;

/// <summary>Short ways to write policies, documents and developers in tests.</summary>
internal static class Policies
{
    private const string Head = """
        listen: { host: 127.0.0.1, public_url: "https://claude.example.com" }
        oidc: { issuer: "https://idp.example.com", client_id: gw, client_secret: s }
        session: { jwt_secret: "test-secret-0123456789-0123456789-0123" }
        store: { sqlite_path: /tmp/never-opened.db }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]

        """;

    /// <summary>The line of gateway.yaml on which the text given to <see cref="Read"/> begins.</summary>
    public static int FirstLine => Head.Count(c => c == '\n') + 1;

    public static ConfigReadResult Read(string yaml, params (string Name, string Value)[] environment) =>
        GatewayConfigReader.Read(
            "gateway.yaml",
            Encoding.UTF8.GetBytes(Head + yaml),
            new ProcessEnvironment(environment.ToDictionary(e => e.Name, e => e.Value)));

    /// <summary>A configuration that must be right.</summary>
    public static GatewayConfig Config(string yaml)
    {
        var result = Read(yaml);
        return result.Config ?? throw new InvalidOperationException(string.Join('\n', result.Errors));
    }

    /// <summary>The policies of <c>managed.policies</c>, given as a JSON list.</summary>
    public static ManagedConfig Managed(string policies, string mode = "first_match") =>
        Config($$"""managed: { policy_mode: {{mode}}, policies: {{policies}} }""").Managed!;

    public static PolicyDocument Document(string json) =>
        new("managed.policies[0].cli", JsonElement.Parse(json), new Dictionary<string, ConfigPosition>
        {
            [""] = new(1, 1),
        });

    public static JsonObject Json(string json) => JsonNode.Parse(json)!.AsObject();

    public static Principal Developer(string? email = "alice@example.com", params string[] groups) =>
        new("alice", email, null, groups) { ExpiresAt = DateTimeOffset.MaxValue };
}
