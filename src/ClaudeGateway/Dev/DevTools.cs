using System.Text.Json.Nodes;

namespace ClaudeGateway.Dev;

/// <summary>
/// Which offered tool the simulated model calls, and with what. A coding agent runs what it is told, so of its tools
/// only those that read are called unasked; any other tool is called when the prompt names it or the request forces it.
/// </summary>
internal static class DevTools
{
    private const int MaxDepth = 6;

    private static readonly string[] OnlyReading = ["Glob", "LS", "Grep"];

    /// <summary>A tool by which a coding agent is recognised.</summary>
    private const string AgentTool = "Bash";

    /// <returns>Null when no tool is to be called.</returns>
    public static (string Name, JsonObject Input)? Choose(JsonObject request, string prompt, bool toolJustAnswered)
    {
        var tools = (request["tools"] as JsonArray ?? []).OfType<JsonObject>()
            .Where(t => t["input_schema"] is JsonObject && DevAnswer.Text(t["name"]) is not null)
            .ToDictionary(t => DevAnswer.Text(t["name"])!, t => (JsonObject)t["input_schema"]!);
        var choice = request["tool_choice"] as JsonObject;
        var name = DevAnswer.Text(choice?["type"]) switch
        {
            "none" => null,
            "tool" => DevAnswer.Text(choice!["name"]),
            "any" => Named(tools.Keys, prompt) ?? tools.Keys.FirstOrDefault(),
            _ => toolJustAnswered ? null : Named(tools.Keys, prompt) ?? Unasked(tools),
        };
        return name is not null && tools.TryGetValue(name, out var schema)
            ? (name, Example(schema) as JsonObject ?? [])
            : null;
    }

    /// <summary>
    /// A small value that fits a JSON schema as far as its types, required properties, enums and constants go.
    /// </summary>
    public static JsonNode? Example(JsonObject schema, int depth = 0)
    {
        if ((schema["const"] ?? schema["default"] ?? (schema["enum"] as JsonArray)?.FirstOrDefault()) is { } given)
        {
            return given.DeepClone();
        }

        var any = (schema["anyOf"] ?? schema["oneOf"]) as JsonArray;
        if (any?.OfType<JsonObject>().FirstOrDefault() is { } first)
        {
            return Example(first, depth + 1);
        }

        var type = DevAnswer.Text(schema["type"]) ?? DevAnswer.Text((schema["type"] as JsonArray)?.FirstOrDefault());
        return type switch
        {
            "string" => DevAnswer.Text(schema["format"]) is "uri" ? "http://localhost/" : "example",
            "integer" or "number" => schema["minimum"]?.DeepClone() ?? 1,
            "boolean" => false,
            "array" =>
                schema["items"] is JsonObject items && depth < MaxDepth ? new JsonArray(Example(items, depth + 1)) : [],
            "null" => null,
            _ => ExampleObject(schema, depth),
        };
    }

    private static JsonObject ExampleObject(JsonObject schema, int depth)
    {
        var value = new JsonObject();
        var properties = schema["properties"] as JsonObject;
        foreach (var name in (schema["required"] as JsonArray ?? []).Select(DevAnswer.Text).OfType<string>())
        {
            value[name] = depth < MaxDepth && properties?[name] is JsonObject property
                ? Example(property, depth + 1)
                : "example";
        }

        return value;
    }

    private static string? Named(IEnumerable<string> names, string prompt)
    {
        var words = prompt.Split(
            [' ', '\n', '\t', '.', ',', ':', ';', '!', '?', '"', '\'', '`', '(', ')'],
            StringSplitOptions.RemoveEmptyEntries);
        return names.FirstOrDefault(n => words.Contains(n, StringComparer.OrdinalIgnoreCase));
    }

    private static string? Unasked(Dictionary<string, JsonObject> tools) =>
        OnlyReading.FirstOrDefault(tools.ContainsKey)
        ?? (tools.ContainsKey(AgentTool) ? null : tools.Keys.FirstOrDefault());
}
