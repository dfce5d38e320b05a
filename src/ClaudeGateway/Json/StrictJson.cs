using System.Text.Json;
using System.Text.Unicode;

namespace ClaudeGateway.Json;

/// <summary>What a document is in which an object names one member twice.</summary>
internal enum RepeatedMembers
{
    /// <summary>No JSON: two readers of it could see two different documents (RFC 8259 section 4).</summary>
    Refused,

    /// <summary>JSON; the last one counts.</summary>
    LastCounts,
}

/// <summary>
/// JSON that strangers wrote: parsed so that nothing read from it later can throw. The framework's parser lets an
/// escaped half of a surrogate pair (<c>"\ud800"</c>) through and throws when the text is read.
/// </summary>
internal static class StrictJson
{
    /// <summary>Of claims that an IdP may nest as it likes; nothing here reads them by recursion.</summary>
    private const int MaxDepth = 1000;

    /// <summary>
    /// The document, or null when the bytes are not JSON all of whose texts can be read and whose members are named
    /// once.
    /// </summary>
    public static JsonDocument? Parse(
        ReadOnlyMemory<byte> json, RepeatedMembers repeatedMembers = RepeatedMembers.Refused)
    {
        try
        {
            var options = new JsonDocumentOptions
            {
                MaxDepth = MaxDepth,
                AllowDuplicateProperties = repeatedMembers == RepeatedMembers.LastCounts,
            };
            return HasOnlyText(json.Span) ? JsonDocument.Parse(json, options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool HasOnlyText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
                    && (reader.ValueIsEscaped || !Utf8.IsValid(reader.ValueSpan)))
                {
                    _ = reader.GetString();
                }
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
