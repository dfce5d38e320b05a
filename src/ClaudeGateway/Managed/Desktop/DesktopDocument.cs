using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed.Desktop;

/// <summary>
/// A policy's <c>desktop</c> block as Claude Desktop is served it (spec/settings.md, Desktop): texts that mean a value
/// become that value, short forms the long ones. The block has passed its schema.
/// </summary>
internal static class DesktopDocument
{
    /// <summary>Null when the policy has no desktop block.</summary>
    public static JsonObject? Of(PolicyConfig policy, SettingsSchema desktop)
    {
        if (policy.Desktop is null)
        {
            return null;
        }

        var schema = desktop.Json;
        using var expanded = DesktopText.Expand(policy.Desktop.Json, schema);
        var document = new JsonObject();
        foreach (var member in expanded.RootElement.EnumerateObject())
        {
            var value = PolicyDocuments.Node(member.Value.Clone());
            document[member.Name] = value is null ? null : Normalise(member.Name, value, schema);
        }

        return document;
    }

    private static JsonNode Normalise(string key, JsonNode value, JsonElement schema)
    {
        switch (key)
        {
            case "allowedWorkspaceFolders" when value is JsonArray folders:
                return Each(
                    folders,
                    folder =>
                        folder is JsonValue path ? new JsonObject { ["path"] = path.DeepClone() } : folder.DeepClone());
            case "disabledBuiltinTools" when value is JsonArray tools:
                return new JsonArray(
                    [.. tools.Select(t => t!.GetValue<string>()).Distinct(StringComparer.Ordinal)
                    .Select(t => (JsonNode)t)]);
            case "sshHostAllowlist" when value is JsonArray hosts:
                return Each(hosts, host => host.GetValue<string>().Trim());
            case "builtinToolPolicy" when value is JsonObject policy:
                WithoutSession(policy);
                return policy;
            case "claudeAiImport" when value is JsonObject import:
                if (string.IsNullOrWhiteSpace(import["bannerBehavior"]?.ToString()))
                {
                    import.Remove("bannerBehavior");
                }

                import.TryAdd("enabled", false);
                import.TryAdd("exportEnabled", false);
                return import;
            case "managedMcpServers" when value is JsonArray servers:
                return Each(servers, DesktopServers.Normalise);
            case "orgPluginSettings" when value is JsonArray plugins:
                return Each(plugins, PluginRules);
            case "orgPluginSettings" when value is JsonObject olderForm:
                return Each(PluginList(olderForm), PluginRules);
            case "allowedPluginMarketplaces" when value is JsonArray marketplaces:
                return Each(marketplaces, marketplace => WithUrl(marketplace.DeepClone().AsObject(), "url"));
            case "inferenceModelPricing" when value is JsonArray prices:
                return Each(prices, price => WithTrimmed(price.DeepClone().AsObject(), "name"));
            default:
                return value is JsonValue text && text.TryGetValue<string>(out var word)
                ? Meaning(key, word, schema) ?? value
                    : value is JsonValue number && IsSwitch(key, schema)
                    && number.GetValueKind() == JsonValueKind.Number ? number.GetValue<double>() != 0
                    : value;
        }
    }

    /// <summary>
    /// What a text stands for where the schema wants a boolean or a number, or says in which form it is served
    /// (x-serve).
    /// </summary>
    private static JsonNode? Meaning(string key, string word, JsonElement schema)
    {
        if (IsSwitch(key, schema))
        {
            return word.Trim().ToUpperInvariant() is "TRUE" or "1";
        }

        if (!schema.GetProperty("properties").TryGetProperty(key, out var property)
            || property.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        return ServedAs(property) switch
        {
            DesktopText.TrimmedForm => word.Trim(),
            DesktopText.LowerCaseForm => word.Trim().ToLowerInvariant(),
            DesktopText.UrlForm => CompleteUrl(word),
            _ => IsNumber(property) ? JavaScriptNumber.Parse(word) : null,
        };
    }

    private static string? ServedAs(JsonElement property) =>
        property.TryGetProperty("x-serve", out var form) ? form.GetString() : null;

    private static bool IsSwitch(string key, JsonElement schema) =>
        schema.GetProperty("properties").TryGetProperty(key, out var property)
        && property.ValueKind == JsonValueKind.Object
        && property.TryGetProperty("$ref", out var reference) && reference.ValueEquals("#/$defs/bool");

    private static bool IsNumber(JsonElement property) => property.TryGetProperty("anyOf", out var forms)
        && forms.EnumerateArray()
        .Any(form => form.ValueKind == JsonValueKind.Object && form.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.String && type.GetString() is "integer" or "number");

    /// <summary>The deprecated form, a map of servers with a map of tools each, as the list it stands for.</summary>
    private static JsonArray PluginList(JsonObject olderForm) =>
        new([.. (olderForm["mcpServers"] as JsonObject ?? []).Select(server => new JsonObject
    {
        ["serverName"] = server.Key,
        ["tools"] = new JsonArray(
            [.. (server.Value?["toolPolicy"] as JsonObject ?? []).Select(tool => new JsonObject
                {
                    ["toolName"] = tool.Key,
                    ["permission"] = tool.Value?.DeepClone(),
                })]),
    })]);

    private static JsonObject PluginRules(JsonNode plugin)
    {
        var rules = plugin.DeepClone().AsObject();
        rules.TryAdd("tools", new JsonArray());
        foreach (var tool in rules["tools"] as JsonArray ?? [])
        {
            if (tool is JsonObject rule && rule["permission"] is JsonValue permission && IsSession(permission))
            {
                rule["permission"] = "ask";
            }
        }

        return rules;
    }

    /// <summary>"ask-session" is the old word for "ask".</summary>
    internal static void WithoutSession(JsonObject policy)
    {
        foreach (var tool in policy.Where(entry => entry.Value is JsonValue word && IsSession(word))
            .Select(entry => entry.Key).ToList())
        {
            policy[tool] = "ask";
        }
    }

    internal static JsonObject WithUrl(JsonObject map, string key)
    {
        if (map[key] is JsonValue text && text.TryGetValue<string>(out var url) && url.Length > 0)
        {
            map[key] = CompleteUrl(url);
        }

        return map;
    }

    internal static JsonObject WithTrimmed(JsonObject map, string key)
    {
        if (map[key] is JsonValue text && text.TryGetValue<string>(out var word))
        {
            map[key] = word.Trim();
        }

        return map;
    }

    private static string CompleteUrl(string url)
    {
        var trimmed = url.Trim();
        return trimmed.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? trimmed : "https://" + trimmed;
    }

    private static bool IsSession(JsonValue word) => word.TryGetValue<string>(out var text) && text == "ask-session";

    private static JsonArray Each(JsonArray list, Func<JsonNode, JsonNode> change) =>
        new([.. list.Select(item => item is null ? null : change(item))]);
}
