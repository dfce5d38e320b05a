using System.Text.Json;

namespace ClaudeGateway.Json;

/// <summary>
/// Reads members of JSON that others wrote without ever throwing; see <see cref="JsonNames"/> for why that takes care.
/// </summary>
internal static class JsonElements
{
    /// <summary>
    /// The member as text; null when the value is no object, has no such member, or it is no string or none that
    /// Unicode allows (an escaped lone surrogate).
    /// </summary>
    public static string? Text(this JsonElement json, string name)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        try
        {
            return json.TryGetProperty(name, out var value) ? value.Text() : null;
        }
        catch (InvalidOperationException)
        {
            // A name beside it that is no text either.
            return null;
        }
    }

    /// <summary>The value as text; null when it is no string or none that Unicode allows.</summary>
    public static string? Text(this JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
