using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Dev;

/// <summary>
/// The gateway.yaml of <c>dev</c>: an ordinary one, kept in the data folder for reading and for copying from.
/// </summary>
internal static class DevConfig
{
    public const string FileName = "gateway.yaml";
    public const string ClientId = "claude-gateway-dev";

    /// <param name="modelUrl">The simulated model, or null for the Anthropic API with the key of the
    /// environment.</param>
    public static string Write(DevFolder folder, string origin, int port, string issuer, string? modelUrl)
    {
        var upstream = modelUrl is null
            ? "  - provider: anthropic\n    auth:\n      api_key: ${ANTHROPIC_API_KEY}"
            : $"  - provider: anthropic\n    base_url: {modelUrl} # the simulated model\n    auth:\n      api_key: "
                + "simulated";
        return $$"""
            # What 'claude-gateway dev' runs with, written anew at every start: an ordinary gateway.yaml.
            listen:
              host: localhost
              port: {{port}}
              public_url: {{origin}}
            oidc:
              issuer: {{issuer}} # the development identity provider
              client_id: {{ClientId}}
              client_secret: {{FileReference(folder, DevSecrets.Client)}}
              use_proxy: false
            session:
              jwt_secret: {{FileReference(folder, DevSecrets.Jwt)}}
            store:
              sqlite_path: {{Quote(folder.PathOf("gateway.db"))}}
            upstreams:
            {{upstream}}
            admin:
              admin_groups: [gateway-admins] # Grace, on the sign-in page
            access_control:
              allow_cidrs: [127.0.0.0/8, "::1"]
            managed:
              policies:
                - match:
                    groups: [contractors]
                  cli:
                    availableModels: [claude-haiku-4-5]
                    model: claude-haiku-4-5
                  serve_to_desktop: false
                - cli:
                    managedSourcesBehavior: merge
                  desktop: {}
                  serve_to_desktop: false

            """;
    }

    private static string FileReference(DevFolder folder, string name) => Quote("${file:" + folder.PathOf(name) + "}");

    /// <summary>A JSON string is a YAML string.</summary>
    private static string Quote(string text) => JsonSerializer.Serialize(text, JsonText.Default.String);
}

/// <summary>The files of the data folder that hold secrets.</summary>
internal static class DevSecrets
{
    public const string Jwt = "jwt-secret";
    public const string Client = "client-secret";
    public const string IdentityProviderKey = "identity-provider-key.pem";
}
