namespace ClaudeGateway.Dev;

/// <summary>What <c>dev</c> tells a newcomer once it runs: where everything is, and what to do next.</summary>
internal static class DevGuide
{
    private const string CommandName = "claude-gateway";

    public static string Text(string origin, string issuer, string? modelUrl, DevFolder folder) => $$"""

        claude-gateway runs on this machine only. Press Ctrl+C to stop it.

          gateway   {{origin}}
          sign-in   {{issuer}}  a development identity provider: be whoever you like
          model     {{(modelUrl is null
              ? "the Anthropic API, with ANTHROPIC_API_KEY"
              : "simulated; set ANTHROPIC_API_KEY to use the Anthropic API instead")}}
          data      {{folder.Root}}  delete this folder to start afresh
          config    {{folder.PathOf(DevConfig.FileName)}}

        Try it with curl, in another terminal:

          TOKEN=$({{Command()}} login {{origin}})
          curl -N {{origin}}/v1/messages -H "Authorization: Bearer $TOKEN" -H 'anthropic-version: 2023-06-01' \
            -H 'content-type: application/json' \
            -d '{"model":"claude-sonnet-4-6","max_tokens":256,"stream":true,
                 "messages":[{"role":"user","content":"Hello"}]}'

        Use it from Claude Code: save this as its managed settings, then start 'claude'

          {"forceLoginMethod":"gateway","forceLoginGatewayUrl":"{{origin}}"}

          Linux     /etc/claude-code/managed-settings.json
          macOS     /Library/Application Support/ClaudeCode/managed-settings.json
          Windows   C:\Program Files\ClaudeCode\managed-settings.json

        """;

    /// <summary>How this program can be started from the same folder.</summary>
    private static string Command()
    {
        var path = Environment.ProcessPath;
        if (path is null || Path.GetFileNameWithoutExtension(path) != CommandName)
        {
            return CommandName;
        }

        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal)
            ? path : relative == CommandName ? "./" + relative
            : relative;
    }
}
