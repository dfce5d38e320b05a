using System.Text.Encodings.Web;
using System.Text.Json;

namespace ClaudeGateway.Json;

/// <summary>What <see cref="Utf8JsonWriter"/> says in more than one call.</summary>
internal static class JsonWriting
{
    /// <summary>For answers and documents, which nobody puts into a page: only what JSON asks for is escaped.</summary>
    public static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the member unless <paramref name="value"/> is null.</summary>
    public static void WriteOptional(this Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>Writes the member, as <c>null</c> when there is no value.</summary>
    public static void WriteNullable(this Utf8JsonWriter json, string name, string? value)
    {
        if (value is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, value);
        }
    }
}
