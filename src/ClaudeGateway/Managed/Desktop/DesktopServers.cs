using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Json;

namespace ClaudeGateway.Managed.Desktop;

/// <summary>
/// One entry of <c>managedMcpServers</c> of a desktop block in the form Claude Desktop is served: transport, https and
/// the OAuth mode stated.
/// </summary>
internal static class DesktopServers
{
    public static JsonObject Normalise(JsonNode entry)
    {
        var server = entry.DeepClone().AsObject();
        if (!server.ContainsKey("server"))
        {
            server.TryAdd("transport", "http");
        }

        foreach (var key in (string[])["url", "host", "customUrl"])
        {
            DesktopDocument.WithUrl(server, key);
        }

        if (server["toolPolicy"] is JsonObject policy)
        {
            DesktopDocument.WithoutSession(policy);
        }

        if (server["startupTimeoutSec"] is JsonValue text && text.TryGetValue<string>(out var seconds))
        {
            server["startupTimeoutSec"] = JavaScriptNumber.Parse(seconds);
        }

        if (server.Remove("toolsets", out var toolsets) && Names(toolsets) is { Length: > 0 } names)
        {
            server["toolsets"] = names;
        }

        if (server.Remove("oauth", out var oauth) && OAuth(oauth) is { } stated)
        {
            server["oauth"] = stated;
        }

        return server;
    }

    /// <summary>
    /// The older forms with their mode stated: a map that says anything is "byo", any other truthy value registers
    /// itself ("dcr"). Null is no OAuth. <c>asSelection</c> says how the authorization server is found.
    /// </summary>
    private static JsonObject? OAuth(JsonNode? oauth)
    {
        if (oauth is not JsonObject map)
        {
            return IsTruthy(oauth) ? new JsonObject { ["mode"] = "dcr" } : null;
        }

        if (map.Count == 0)
        {
            return new JsonObject { ["mode"] = "dcr" };
        }

        map.TryAdd("mode", "byo");
        DesktopDocument.WithTrimmed(map, "clientId");
        map.Remove("scopes", out var scopes);
        if ((map["scope"] ?? scopes) is { } scope)
        {
            map["scope"] = scope is JsonArray list
                ? string.Join(' ', list.Select(s => s?.ToString()))
                : scope.DeepClone();
        }

        if (map["mode"]!.ToString() != "dcr")
        {
            map["asSelection"] = Selection(map);
        }

        return map;
    }

    /// <summary>A list in one text: joined by bare commas, empty places left out.</summary>
    private static string Names(JsonNode? list) =>
        string.Join(
            ',', list!.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static JsonObject Selection(JsonObject oauth) => oauth switch
    {
        _ when oauth["authorizationServer"] is { } servers => new JsonObject
        {
            ["via"] = "issuer",
            ["authorizationServer"] = servers.DeepClone(),
        },
        _ when oauth["tenantId"] is { } tenant => new JsonObject
        {
            ["via"] = "tenant",
            ["tenantId"] = tenant.DeepClone(),
        },
        _ => new JsonObject { ["via"] = "prm" },
    };

    private static bool IsTruthy(JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.True or JsonValueKind.Array => true,
        JsonValueKind.String => value.GetValue<string>().Length > 0,
        JsonValueKind.Number => value.GetValue<double>() != 0,
        _ => false,
    };
}
