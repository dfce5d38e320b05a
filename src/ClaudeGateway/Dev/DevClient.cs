using System.Security.Cryptography;
using System.Text;

namespace ClaudeGateway.Dev;

/// <summary>The one OAuth client of the development identity provider: the gateway beside it.</summary>
/// <param name="Origin">The gateway's public URL, without a trailing slash.</param>
internal sealed record DevClient(string Id, string Secret, string Origin)
{
    public string RedirectUri => Origin + "/oauth/callback";

    /// <summary>client_secret_basic or client_secret_post (RFC 6749 section 2.3.1).</summary>
    public bool IsAuthenticated(string? authorization, string? id, string? secret)
    {
        const string scheme = "Basic ";
        if (authorization?.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) == true)
        {
            var bytes = new byte[authorization.Length];
            if (!Convert.TryFromBase64String(authorization[scheme.Length..].Trim(), bytes, out var length))
            {
                return false;
            }

            var pair = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
            id = Uri.UnescapeDataString(pair[0]);
            secret = pair.Length == 2 ? Uri.UnescapeDataString(pair[1]) : null;
        }

        return id == Id && secret is not null
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(Secret));
    }
}
