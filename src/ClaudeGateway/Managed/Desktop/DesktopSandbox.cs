using System.Text.Json.Nodes;

namespace ClaudeGateway.Managed.Desktop;

/// <summary>
/// What Claude Desktop inherits from the Claude Code settings: whole tools that are denied, and hosts the sandbox may
/// reach (spec/policy.md, /user/bootstrap).
/// </summary>
internal static class DesktopSandbox
{
    private const string DisabledTools = "disabledBuiltinTools";
    private const string EgressHosts = "coworkEgressAllowedHosts";

    public static void Add(JsonObject bootstrap, JsonObject settings, JsonObject desktop)
    {
        var tools = DeniedTools(settings).Concat((desktop[DisabledTools] as JsonArray
            ?? []).Select(t => t!.ToString())).Distinct(StringComparer.Ordinal).ToList();
        if (tools.Count > 0 || desktop.ContainsKey(DisabledTools))
        {
            bootstrap[DisabledTools] = new JsonArray([.. tools.Select(t => (JsonNode)t)]);
        }

        var hosts = desktop[EgressHosts] ?? (settings["sandbox"] as JsonObject)?["network"]?["allowedDomains"];
        if (hosts is not null)
        {
            bootstrap[EgressHosts] = hosts.DeepClone();
        }
    }

    /// <summary>
    /// Desktop switches tools off whole: a rule with a pattern, or for an MCP server, has no counterpart there.
    /// </summary>
    private static IEnumerable<string> DeniedTools(JsonObject settings) =>
        from rule in (settings["permissions"] as JsonObject)?["deny"] as JsonArray ?? []
        let text = rule!.ToString()
        where !text.Contains('(', StringComparison.Ordinal) && !text.StartsWith("mcp__", StringComparison.Ordinal)
        select text;
}
