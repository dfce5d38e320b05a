using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Turns a claim into an STS session name (2 to 64 of <c>[\w+=,.@-]</c>) that still tells developers apart in
/// CloudTrail (spec/newer.md, assume_role).
/// </summary>
internal static class RoleSessionName
{
    /// <summary>The one session of all developers.</summary>
    public const string Shared = "claude-apps-gateway";

    private const int MaxLength = 64;
    private const int KeptOfLongName = 42;
    private const int HashDigits = 20;

    /// <param name="claim">What names it; null gives all developers one session.</param>
    /// <param name="developer">Who asks; null is the gateway itself.</param>
    /// <exception cref="UpstreamUnavailableException">The developer has no such claim.</exception>
    public static string Of(AssumeRoleSessionName? claim, Principal? developer)
    {
        if (developer is null || claim is null)
        {
            return Shared;
        }

        // A developer whom a load test made up has no session: the one who plays him has (measured on 2.1.332).
        return (claim == AssumeRoleSessionName.Email ? developer.Email : developer.PlayedBy
            ?? developer.Sub) is { Length: > 0 } value
            ? From(value)
            : throw new UpstreamUnavailableException(
                "assume_role.session_name: the developer's token has no such claim");
    }

    /// <summary>
    /// Characters that are not allowed become =XX; a longer name keeps its beginning and gets a hash of the whole
    /// claim.
    /// </summary>
    public static string From(string claim)
    {
        var name = new StringBuilder(claim.Length);
        foreach (var b in Encoding.UTF8.GetBytes(claim))
        {
            var c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or ',' or '.' or '@' or '-'
                ? name.Append(c)
                : name.Append('=').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        if (name.Length <= MaxLength)
        {
            return name.ToString();
        }

        name.Length = KeptOfLongName;
        return name.Append("=-")
            .Append(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(claim)))[..HashDigits]).ToString();
    }
}
