using System.Text;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// Who asks, for an upstream that keeps its own accounts (<c>forward_user_identity</c>, spec/inference.md).
/// </summary>
internal static class UserIdentityHeaders
{
    public static void Add(HttpRequestMessage request, Principal principal)
    {
        request.Headers.TryAddWithoutValidation("x-claude-gateway-user-id", Encode(principal.Sub));
        if (principal.Email is { } email)
        {
            var value = Encode(email);
            request.Headers.TryAddWithoutValidation("x-claude-gateway-user-email", value);
            request.Headers.TryAddWithoutValidation("x-litellm-end-user-id", value);
        }
    }

    /// <summary>
    /// Trims, then writes the UTF-8 bytes outside 0x21-0x7E and "%" itself as %XX (RFC 3986 section 2.1).
    /// </summary>
    internal static string Encode(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (var b in Encoding.UTF8.GetBytes(value.Trim()))
        {
            if (b is >= 0x21 and <= 0x7e and not (byte)'%')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }
}
