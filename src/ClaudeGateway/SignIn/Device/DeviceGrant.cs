using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ClaudeGateway.SignIn.Device;

/// <summary>A device's request for a session (RFC 8628), as it is handed out.</summary>
/// <param name="DeviceCode">256 random bits; the device polls with it.</param>
/// <param name="UserCode">XXXX-XXXX; a person types it.</param>
internal sealed record DeviceGrant(string DeviceCode, string UserCode);

/// <summary>The two codes of RFC 8628: made, normalised and hashed. The store holds hashes only.</summary>
internal static class DeviceCodes
{
    /// <summary>
    /// No vowels, so that no word appears by accident, and no L; RFC 8628 section 6.1 proposes such a set.
    /// </summary>
    private const string Alphabet = "BCDFGHJKMNPQRSTVWXYZ";
    private const int UserCodeLetters = 8;

    public static DeviceGrant Create()
    {
        var letters = RandomNumberGenerator.GetString(Alphabet, UserCodeLetters);
        return new DeviceGrant(NewSecret(), $"{letters[..4]}-{letters[4..]}");
    }

    /// <summary>256 random bits in base64url: 43 characters.</summary>
    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string code) => SHA256.HashData(Encoding.UTF8.GetBytes(code));

    /// <summary>
    /// What a person typed as the code it means (letter case, dashes, blanks and whatever else is no letter or digit do
    /// not count), or null when it can be none.
    /// </summary>
    public static string? NormalizeUserCode(string? typed)
    {
        if (typed is null || typed.Length > 64)
        {
            return null;
        }

        var letters = string.Concat(typed.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
        return letters.Length == UserCodeLetters && letters.All(Alphabet.Contains)
            ? $"{letters[..4]}-{letters[4..]}"
            : null;
    }
}
