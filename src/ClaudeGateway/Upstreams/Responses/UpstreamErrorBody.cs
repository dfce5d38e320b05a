using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// What can be read from a refused request's body, whatever its shape: Anthropic's envelope, a cloud's own JSON, text
/// or HTML.
/// </summary>
internal sealed class UpstreamErrorBody
{
    // Enough for every message a provider writes; an echoed prompt behind it need not be searched.
    private const int MaxSearchedLength = 64 * 1024;

    private static readonly HashSet<string> AnthropicTypes = new(StringComparer.Ordinal)
    {
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
        "request_too_large", "rate_limit_error", "api_error", "overloaded_error", "not_supported",
    };

    private UpstreamErrorBody(string text) => Text = text;

    /// <summary>Everything in it that may be searched for causes, JSON strings decoded.</summary>
    public string Text { get; private set; }

    /// <summary>
    /// The one sentence of the answer: <c>message</c>, <c>Message</c>, <c>error.message</c>, or the whole of a text;
    /// null when there is none.
    /// </summary>
    public string? Message { get; private set; }

    /// <summary><c>error.type</c>, or null.</summary>
    public string? ErrorType { get; private set; }

    /// <summary>
    /// The message of a complete Anthropic error envelope, meant for developers; null for anything less.
    /// </summary>
    public string? AnthropicMessage { get; private set; }

    public static UpstreamErrorBody Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var text = new StringBuilder();
            Collect(json.RootElement, text);
            var read = new UpstreamErrorBody(text.ToString());
            read.ReadKnownShapes(json.RootElement);
            return read;
        }
        // the second for an escaped lone surrogate
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            var text = Encoding.UTF8.GetString(body.Span[..Math.Min(body.Length, MaxSearchedLength)]);
            return new UpstreamErrorBody(text) { Message = text };
        }
    }

    private void ReadKnownShapes(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var error = root.TryGetProperty("error", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? inner
            : default;
        Message = root.Text("message") ?? root.Text("Message") ?? error.Text("message");
        ErrorType = error.Text("type");
        if (root.Text("type") is "error" && error.Text("message") is { Length: > 0 } message && ErrorType is { } type
            && AnthropicTypes.Contains(type))
        {
            AnthropicMessage = message;
        }
    }

    /// <summary>
    /// Names and string values, a line each. Backslashes go, so that JSON inside a JSON string reads like JSON.
    /// </summary>
    private static void Collect(JsonElement element, StringBuilder text)
    {
        if (text.Length >= MaxSearchedLength)
        {
            return;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                text.Append(element.GetString()!.Replace("\\", "", StringComparison.Ordinal)).Append('\n');
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Collect(item, text);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    text.Append(property.Name).Append('\n');
                    Collect(property.Value, text);
                }

                break;
            default:
                break;
        }
    }
}
