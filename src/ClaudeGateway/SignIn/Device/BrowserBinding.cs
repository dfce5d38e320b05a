using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Http;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// Ties a sign-in to the browser that began it. The cookie holds a secret that only this browser knows; the nonce and
/// the PKCE verifier are derived from it, so the store keeps nothing with which a stolen callback could be finished. A
/// browser that already has a sign-in under way gets a second cookie, so two devices can be signed in side by side.
/// </summary>
internal sealed class BrowserBinding(PublicOrigin origin)
{
    private const int MaxAgeSeconds = 600;

    private string Name => origin.IsHttps ? "__Host-gw_dev" : "gw_dev";

    /// <summary>Sets the cookie for one sign-in.</summary>
    public void Set(GatewayRequest request, string secret)
    {
        var name = request.Http.Request.Cookies.ContainsKey(Name) ? $"{Name}_{secret[..8]}" : Name;
        Append(request, name, secret, MaxAgeSeconds);
    }

    /// <summary>
    /// The secret the browser brings back for this sign-in; its cookie is removed by <see cref="Clear"/>.
    /// </summary>
    public (string Name, string Secret)? Find(GatewayRequest request, byte[] secretHash)
    {
        foreach (var (name, value) in request.Http.Request.Cookies)
        {
            if (name.StartsWith(Name, StringComparison.Ordinal)
                && CryptographicOperations.FixedTimeEquals(DeviceCodes.Hash(value), secretHash))
            {
                return (name, value);
            }
        }

        return null;
    }

    public void Clear(GatewayRequest request, string? name = null) => Append(request, name ?? Name, "", 0);

    public static string Nonce(string secret, string state) => Derive(secret, "nonce " + state);

    /// <summary>43 characters of the unreserved set (RFC 7636 section 4.1).</summary>
    public static string CodeVerifier(string secret, string state) => Derive(secret, "code_verifier " + state);

    private static string Derive(string secret, string use) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), Encoding.ASCII.GetBytes(use)));

    private void Append(GatewayRequest request, string name, string value, int maxAge) =>
        request.Http.Response.Headers.Append(
            "Set-Cookie",
            $"{name}={value}; Max-Age={maxAge}; HttpOnly; SameSite=Lax; Path=/{(origin.IsHttps ? "; Secure" : "")}");
}
