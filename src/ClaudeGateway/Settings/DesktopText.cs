using System.Buffers;
using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <summary>
/// Claude Desktop's settings also come from places that know only text (registry, profiles), so a desktop block may
/// hold a list or map as JSON in a text, and an empty text counts as a mistake rather than a value.
/// </summary>
internal static class DesktopText
{
    /// <summary>x-serve of a key whose value is taken as JavaScript's <c>Number()</c> takes it.</summary>
    public const string NumberForm = "number";

    /// <summary>x-serve of a key whose text is served without blanks at its ends.</summary>
    public const string TrimmedForm = "trimmed";

    /// <summary>x-serve of a key whose text is served trimmed and in lower case.</summary>
    public const string LowerCaseForm = "lower case";

    /// <summary>x-serve of a key whose text is served as a complete URL.</summary>
    public const string UrlForm = "url";

    /// <summary>What x-serve may say of a key.</summary>
    public static readonly string[] ServedForms = [TrimmedForm, LowerCaseForm, UrlForm, NumberForm];

    /// <summary>
    /// The document with texts that hold JSON replaced by what they hold, where the schema wants a list or map.
    /// </summary>
    public static JsonDocument Expand(JsonElement document, JsonElement schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var member in document.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                if (IsNumber(member.Name, schema))
                {
                    WriteNumber(member.Value, json);
                    continue;
                }

                using var held = Held(member.Name, member.Value, schema);
                (held?.RootElement ?? member.Value).WriteTo(json);
            }

            json.WriteEndObject();
        }

        return JsonDocument.Parse(buffer.WrittenMemory);
    }

    private static bool IsNumber(string key, JsonElement schema) =>
        schema.GetProperty("properties").TryGetProperty(key, out var property)
        && property.ValueKind == JsonValueKind.Object
        && property.TryGetProperty("x-serve", out var form) && form.ValueEquals(NumberForm);

    /// <summary>
    /// As JavaScript's <c>Number()</c> takes a value: true is 1, a list of one entry is that entry. A text stays one,
    /// for the schema to judge.
    /// </summary>
    private static void WriteNumber(JsonElement value, Utf8JsonWriter json)
    {
        while (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1
            && value[0].ValueKind is JsonValueKind.Array or JsonValueKind.String or JsonValueKind.Number)
        {
            value = value[0];
        }

        if (value.ValueKind == JsonValueKind.True)
        {
            json.WriteNumberValue(1);
        }
        else
        {
            value.WriteTo(json);
        }
    }

    /// <summary>The JSON a text value holds, or null when the value stands for itself.</summary>
    public static JsonDocument? Held(string key, JsonElement value, JsonElement schema)
    {
        if (value.ValueKind != JsonValueKind.String
            || !schema.GetProperty("properties").TryGetProperty(key, out var property)
            || !IsListOrMap(property)
            || value.GetString()!.TrimStart() is not ['[' or '{', ..])
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(value.GetString()!);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsListOrMap(JsonElement property) =>
        property.ValueKind == JsonValueKind.Object && (property.TryGetProperty("anyOf", out var forms)
        ? forms.EnumerateArray().All(IsListOrMap)
        : property.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
        && (type.ValueEquals("array") || type.ValueEquals("object")));

    public static IEnumerable<SchemaProblem> EmptyValues(JsonElement document, JsonElement schema)
    {
        var settable = schema.GetProperty("x-settable").EnumerateArray().Select(n => n.GetString()!)
            .ToHashSet(StringComparer.Ordinal);
        return document.EnumerateObject()
            .Where(
                m =>
                    settable.Contains(m.Name)
                    && (m.Value.ValueKind == JsonValueKind.Null
                    || (m.Value.ValueKind == JsonValueKind.String && m.Value.ValueEquals(""))))
            .Select(
                m =>
                    new SchemaProblem(
                        ProblemSeverity.Error,
                        JsonPlace.Root.Member(m.Name),
                        SchemaProblemKind.Value,
                        "must not be empty; leave the key out instead"));
    }
}
