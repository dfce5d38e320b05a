using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;

namespace ClaudeGateway.Managed;

/// <summary>A policy's documents as trees ready to merge, under the names they are served by.</summary>
internal static class PolicyDocuments
{
    /// <summary>New names of a key that clients know by its old one.</summary>
    public static readonly IReadOnlyDictionary<string, string> ServedNames = new Dictionary<string, string>(
        StringComparer.Ordinal)
    {
        ["additionalMarketplaces"] = "extraKnownMarketplaces",
        ["allowedMarketplaces"] = "strictKnownMarketplaces",
    };

    /// <summary>Empty when the policy has no settings block.</summary>
    public static JsonObject Settings(PolicyConfig policy)
    {
        var settings = new JsonObject();
        foreach (var member in policy.Settings?.Json.EnumerateObject() ?? default)
        {
            settings[ServedNames.GetValueOrDefault(member.Name, member.Name)] = Node(member.Value);
        }

        return settings;
    }

    public static JsonNode? Node(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => JsonValue.Create(value),
    };
}
