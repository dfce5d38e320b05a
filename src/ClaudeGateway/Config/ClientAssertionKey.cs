using System.Security.Cryptography;

namespace ClaudeGateway.Config;

/// <summary>
/// The key of <c>oidc.client_assertion</c>: an RSA private key in PEM (PKCS#8 or PKCS#1), unencrypted, of 2,048 bits or
/// more.
/// </summary>
internal static class ClientAssertionKey
{
    private const int MinBits = 2048;

    /// <summary>
    /// The key, to be disposed, or null; and what is wrong with it, worded to follow the key's name, or null.
    /// </summary>
    public static (RSA? Key, string? Problem) Read(string pem)
    {
        if (pem.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            return (null, "is encrypted; give it unencrypted, for example from a mounted secret with ${file:}");
        }

        var key = RSA.Create();
        try
        {
            key.ImportFromPem(pem);
            // A public key is PEM too, and fails only when it is to sign.
            CryptographicOperations.ZeroMemory(key.ExportRSAPrivateKey());
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return (null, "is not an RSA private key in PEM form (PKCS#8 or PKCS#1)");
        }

        return key.KeySize >= MinBits
            ? (key, null)
            : (key, $"is an RSA key of {key.KeySize} bits; at least {MinBits} are needed");
    }
}
