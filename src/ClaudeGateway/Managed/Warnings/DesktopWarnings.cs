using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// What Claude Desktop will not do although the policies seem to say it (spec/policy.md and spec/settings.md, Desktop).
/// </summary>
internal static class DesktopWarnings
{
    public static IEnumerable<string> Of(ManagedConfig managed, string file)
    {
        if (managed.Policies.All(p => p.Desktop is null))
        {
            return [$"{file} managed: no policy has a desktop block, so Claude Desktop is refused its configuration"];
        }

        return
        [
            .. Delivery(managed, file),
            .. managed.Policies.Select(p => p.Desktop).OfType<PolicyDocument>().SelectMany(block => Blocks(block,
                file)),
            .. Hosts(managed, file)];
    }

    private static IEnumerable<string> Delivery(ManagedConfig managed, string file)
    {
        var settings = managed.Policies.Where(p => p.Settings is not null).ToList();
        if (settings.Exists(p => p.SettingsKey == PolicySettingsKey.Code))
        {
            yield return $"{file} managed: code blocks reach Claude Desktop's Code tab only on machines whose own "
                + "managed settings have forceLoginGatewayUrl (this gateway) and parentSettingsBehavior: merge";
        }
        else if (settings.Count > 0 && !managed.Policies.Any(p => p.ServeToDesktop is false))
        {
            yield return $"{file} managed: cli blocks do not reach Claude Desktop's Code tab, not even with "
                + "serve_to_desktop: true; write code blocks for that, or serve_to_desktop: false if it is meant";
        }
    }

    private static IEnumerable<string> Blocks(PolicyDocument block, string file) =>
        Values(block.Json).Select(value => PolicyWarnings.At(file, block, value.Pointer, value.Path, value.Text));

    private static IEnumerable<(string Pointer, string Path, string Text)> Values(JsonElement block)
    {
        if (block.TryGetProperty("banner", out var banner) && banner.ValueKind == JsonValueKind.Object
            && banner.TryGetProperty("text", out _)
            && !(banner.TryGetProperty("enabled", out var enabled) && enabled.ValueKind == JsonValueKind.True))
        {
            yield return ("/banner", ".banner", "is not shown without enabled: true");
        }

        if (block.TryGetProperty("dictationEnabled", out _))
        {
            yield return ("/dictationEnabled", ".dictationEnabled", "has no effect: this gateway has no dictation");
        }

        if (block.TryGetProperty("orgPluginSettings", out var plugins) && plugins.ValueKind == JsonValueKind.Object)
        {
            yield return (
                "/orgPluginSettings",
                ".orgPluginSettings",
                "is in the older form; write a list of {serverName, tools}");
        }

        if (block.TryGetProperty("managedMcpServers", out var servers) && servers.ValueKind == JsonValueKind.Array
            && servers.EnumerateArray().Any(
                s =>
                    s.ValueKind == JsonValueKind.Object && !s.TryGetProperty("transport", out _)
                    && !s.TryGetProperty("server", out _)))
        {
            yield return (
                "/managedMcpServers",
                ".managedMcpServers",
                "has an entry without transport: served as http, but write it");
        }

        if (block.GetRawText().Contains("\"ask-session\"", StringComparison.Ordinal))
        {
            yield return ("", "", "says ask-session, an old word for ask; served as ask");
        }
    }

    /// <summary>Hosts that Desktop takes from the sandbox's allowedDomains when the block names none.</summary>
    private static IEnumerable<string> Hosts(ManagedConfig managed, string file)
    {
        var pattern = SettingsSchemas.BuiltIn.Desktop.Json.GetProperty("properties")
            .GetProperty("coworkEgressAllowedHosts").GetProperty("items").GetProperty("pattern").GetString()!;
        foreach (var policy in managed.Policies.Where(p => p.Settings is not null))
        {
            var domains =
                (PolicyDocuments.Settings(policy)["sandbox"] as JsonObject)?["network"]?["allowedDomains"] as JsonArray
                ?? [];
            for (var i = 0; i < domains.Count; i++)
            {
                if (!SchemaPatterns.IsMatch(pattern, domains[i]!.ToString()))
                {
                    yield return PolicyWarnings.At(
                        file,
                        policy.Settings!,
                        $"/sandbox/network/allowedDomains/{i}",
                        $".sandbox.network.allowedDomains[{i}]",
                        "is no host that Claude Desktop takes for its sandbox; Desktop drops it");
                }
            }
        }
    }
}
