using System.Security.Cryptography;
using System.Text;

namespace ClaudeGateway.Upstreams.Aws;

/// <summary>
/// Turns a claim into an STS session name (2 to 64 of <c>[\w+=,.@-]</c>) that still tells developers apart in CloudTrail
/// (spec/newer.md, assume_role).
/// </summary>
internal static class RoleSessionName
{
    /// <summary>The one session of all developers.</summary>
    public const string Shared = "claude-apps-gateway";

    private const int MaxLength = 64;
    private const int KeptOfLongName = 42;
    private const int HashDigits = 20;

    /// <summary>Characters that are not allowed become =XX; a longer name keeps its beginning and gets a hash of the whole claim.</summary>
    public static string From(string claim)
    {
        var name = new StringBuilder(claim.Length);
        foreach (var b in Encoding.UTF8.GetBytes(claim))
        {
            var c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or ',' or '.' or '@' or '-' ? name.Append(c) : name.Append('=').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        if (name.Length <= MaxLength)
        {
            return name.ToString();
        }

        name.Length = KeptOfLongName;
        return name.Append("=-").Append(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(claim)))[..HashDigits]).ToString();
    }
}
