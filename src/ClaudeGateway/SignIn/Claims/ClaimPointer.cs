using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn.Claims;

/// <summary>
/// Finds a claim: a name that begins with "/" is an RFC 6901 pointer, any other is one flat name, dots and all.
/// </summary>
internal static class ClaimPointer
{
    /// <summary>The value, or null when the claim is absent.</summary>
    public static JsonElement? Find(JsonElement claims, string name)
    {
        if (!name.StartsWith('/'))
        {
            return claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty(name, out var flat) ? flat : null;
        }

        var value = claims;
        foreach (var token in name[1..].Split('/'))
        {
            var key = JsonPointer.Unescape(token);
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(key, out var member))
            {
                value = member;
            }
            else if (value.ValueKind == JsonValueKind.Array && IsIndex(key, value.GetArrayLength(), out var index))
            {
                value = value[index];
            }
            else
            {
                return null;
            }
        }

        return value;
    }

    /// <summary>The claim at the top that the name leads to or into.</summary>
    public static string FirstName(string name) =>
        name.StartsWith('/') ? JsonPointer.Unescape(name[1..].Split('/')[0]) : name;

    private static bool IsIndex(string key, int length, out int index) =>
        int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out index)
        && (key == "0" || !key.StartsWith('0')) && index < length;
}
