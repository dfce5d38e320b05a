using System.Text.Json;
using System.Text.Unicode;

namespace ClaudeGateway.Json;

/// <summary>
/// JSON that strangers wrote: parsed so that nothing read from it later can throw. The framework's parser lets an escaped
/// half of a surrogate pair (<c>"\ud800"</c>) through and throws when the text is read.
/// </summary>
internal static class StrictJson
{
    /// <summary>Of claims that an IdP may nest as it likes; nothing here reads them by recursion.</summary>
    private const int MaxDepth = 1000;

    /// <summary>The document, or null when the bytes are not JSON all of whose texts can be read.</summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return HasOnlyText(json.Span) ? JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth }) : null;
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
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && (reader.ValueIsEscaped || !Utf8.IsValid(reader.ValueSpan)))
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
