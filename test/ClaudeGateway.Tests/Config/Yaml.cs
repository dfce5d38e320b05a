using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Config;

/// <summary>A valid file to change one thing in, and readings of it.</summary>
internal static class Yaml
{
    public const string Minimal = """
        listen:
          host: 127.0.0.1
        oidc:
          issuer: https://login.example.com
          client_id: gateway
          client_secret: very-secret
        session:
          jwt_secret: "0123456789-0123456789-0123456789"
        store:
          postgres_url: postgres://gateway:db-secret@db.example.com/gateway
        upstreams:
          - provider: anthropic
            auth:
              api_key: sk-secret
        """;

    public static ConfigReadResult Read(string yaml, params (string Name, string Value)[] variables) =>
        GatewayConfigReader.Read("gateway.yaml", Encoding.UTF8.GetBytes(yaml), Environment(variables));

    public static GatewayConfig ReadValid(string yaml, params (string Name, string Value)[] variables)
    {
        var result = Read(yaml, variables);
        Assert.Empty(result.Errors);
        return result.Config!;
    }

    /// <summary>The minimal file with sections added, or merged into what is there; JSON is YAML.</summary>
    public static string With(string json)
    {
        var root = JsonNode.Parse("""
            {"listen":{"host":"127.0.0.1"},"oidc":{"issuer":"https://login.example.com","client_id":"gateway","client_secret":"very-secret"},
             "session":{"jwt_secret":"0123456789-0123456789-0123456789"},"store":{"postgres_url":"postgres://gateway:db-secret@db.example.com/gateway"},
             "upstreams":[{"provider":"anthropic","auth":{"api_key":"sk-secret"}}]}
            """)!.AsObject();
        Merge(root, JsonNode.Parse(json)!.AsObject());
        return root.ToJsonString();
    }

    /// <summary>The minimal file with this one upstream.</summary>
    public static string WithUpstream(string json) => With($$"""{"upstreams":[{{json}}]}""");

    public static ProcessEnvironment Environment(params (string Name, string Value)[] variables) =>
        new(variables.ToDictionary(variable => variable.Name, variable => variable.Value));

    private static void Merge(JsonObject target, JsonObject source)
    {
        foreach (var (key, value) in source)
        {
            if (value is JsonObject inner && target[key] is JsonObject existing)
            {
                Merge(existing, inner);
            }
            else if (value is null)
            {
                target.Remove(key);
            }
            else
            {
                target[key] = value.DeepClone();
            }
        }
    }
}
