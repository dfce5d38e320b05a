using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn.Claims;

/// <summary>Reads who somebody is, e-mail, name and groups out of an IdP's claims (spec/auth.md, Claims).</summary>
internal sealed class ClaimMapping(OidcConfig config)
{
    public bool HasEmail(JsonElement claims) => Email(claims) is not null;

    public bool HasGroups(JsonElement claims) =>
        config.GroupsJsonPath is { } path
        ? GroupsAtPath.IsPresent(claims, path)
        : ClaimPointer.Find(claims, config.GroupsClaim) is not null;

    /// <summary>The claim of <c>oidc.user_id_claim</c>; null when it is absent, no text or empty.</summary>
    public string? UserId(JsonElement claims) =>
        ClaimPointer.Find(claims, config.UserIdClaim) is { ValueKind: JsonValueKind.String } id
        && id.GetString() is { Length: > 0 } text ? text : null;

    /// <summary>
    /// The text of the first e-mail claim that is present; null when none is, or when that one is no text or empty.
    /// </summary>
    public string? EmailText(JsonElement claims) =>
        Email(claims) is { ValueKind: JsonValueKind.String } email && email.GetString() is { Length: > 0 } text
        ? text
        : null;

    /// <summary>
    /// Many IdPs never send the claim; one that does must say true (or "true"), and nothing else counts as that.
    /// </summary>
    public static bool SaysUnverified(JsonElement claims) =>
        claims.TryGetProperty("email_verified", out var verified)
        && verified.ValueKind is not (JsonValueKind.True or JsonValueKind.Null)
        && !(verified.ValueKind == JsonValueKind.String && verified.ValueEquals("true"));

    public static string? Name(JsonElement claims) =>
        claims.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
        && name.GetString() is { Length: > 0 } text ? text : null;

    /// <summary>A list keeps its non-empty texts; a single text is one group and is not split.</summary>
    public IReadOnlyList<string> Groups(JsonElement claims) =>
        config.GroupsJsonPath is { } path
        ? GroupsAtPath.Find(claims, path)
        : ClaimPointer.Find(claims, config.GroupsClaim) switch
        {
            { ValueKind: JsonValueKind.Array } list =>
                [.. list.EnumerateArray().Where(group => group.ValueKind == JsonValueKind.String)
                    .Select(group => group.GetString()!).Where(group => group.Length > 0)],
            { ValueKind: JsonValueKind.String } single when single.GetString() is { Length: > 0 } group => [group],
            _ => [],
        };

    /// <summary>
    /// Whether the IdP says that it left the groups out: the claim is a distributed one (OpenID Connect Core 1.0
    /// section 5.6.2), or Entra's <c>hasgroups</c> stands in its place.
    /// </summary>
    public bool OmitsGroups(JsonElement claims)
    {
        var claim = config.GroupsJsonPath is { } path ? ((ClaimStep.Member)path.Steps[0]).Name
            : ClaimPointer.FirstName(config.GroupsClaim);
        return claims.ValueKind == JsonValueKind.Object
            && ((claims.TryGetProperty("_claim_names", out var names) && names.ValueKind == JsonValueKind.Object
                    && names.TryGetProperty(claim, out _))
                || (claim == "groups" && claims.TryGetProperty("hasgroups", out var has)
                    && (has.ValueKind == JsonValueKind.True || has.Text() == "true")));
    }

    private JsonElement? Email(JsonElement claims)
    {
        foreach (var name in config.EmailClaims)
        {
            if (ClaimPointer.Find(claims, name) is { } value)
            {
                return value;
            }
        }

        return null;
    }
}
