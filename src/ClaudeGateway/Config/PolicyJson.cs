using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>
/// Turns values of gateway.yaml into JSON as JavaScript would print them, remembering where each came from.
/// </summary>
internal static class PolicyJson
{
    public static PolicyDocument ToDocument(ConfigMap map)
    {
        var positions = new Dictionary<string, ConfigPosition>(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonWriting.Plain))
        {
            Write(json, map, "", positions);
        }

        return new PolicyDocument(map.Path, JsonElement.Parse(buffer.WrittenSpan), positions);
    }

    public static JsonNode? ToNode(ConfigNode node) => node switch
    {
        ConfigMap map =>
            new JsonObject(map.Entries.Select(entry => KeyValuePair.Create(entry.Key, ToNode(entry.Value)))),
        ConfigList list => new JsonArray([.. list.Items.Select(ToNode)]),
        ConfigScalar { Type: ScalarType.Text } text => text.Text,
        ConfigScalar { Type: ScalarType.Number } number => JsonNode.Parse(JavaScriptNumber.Print(number.Number)),
        ConfigScalar { Type: ScalarType.True } => true,
        ConfigScalar { Type: ScalarType.False } => false,
        _ => null,
    };

    private static void Write(
        Utf8JsonWriter json, ConfigNode node, string pointer, Dictionary<string, ConfigPosition> positions)
    {
        positions[pointer] = node.Position;
        switch (node)
        {
            case ConfigMap map:
                json.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    var child = $"{pointer}/{JsonPointer.Escape(entry.Key)}";
                    json.WritePropertyName(entry.Key);
                    Write(json, entry.Value, child, positions);
                    positions[child] = entry.KeyPosition;
                }

                json.WriteEndObject();
                break;
            case ConfigList list:
                json.WriteStartArray();
                for (var i = 0; i < list.Items.Count; i++)
                {
                    Write(json, list.Items[i], $"{pointer}/{i}", positions);
                }

                json.WriteEndArray();
                break;
            case ConfigScalar scalar:
                WriteScalar(json, scalar);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, ConfigScalar scalar)
    {
        switch (scalar.Type)
        {
            case ScalarType.Null:
                json.WriteNullValue();
                break;
            case ScalarType.True or ScalarType.False:
                json.WriteBooleanValue(scalar.Type is ScalarType.True);
                break;
            case ScalarType.Number:
                json.WriteRawValue(JavaScriptNumber.Print(scalar.Number));
                break;
            default:
                json.WriteStringValue(scalar.Text);
                break;
        }
    }
}

/// <summary>Any object; what may stand in it is described by the schema at <c>reference</c>.</summary>
internal sealed class DocumentShape(string reference) : Shape<PolicyDocument>
{
    public override string Name => "settings document";

    public override JsonObject Schema() => new() { ["$ref"] = reference };

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out PolicyDocument value)
    {
        value = null;
        if (MapOrProblem(node, reading, "must be a mapping of settings, ") is not { } map)
        {
            return false;
        }

        value = PolicyJson.ToDocument(map);
        return true;
    }
}
