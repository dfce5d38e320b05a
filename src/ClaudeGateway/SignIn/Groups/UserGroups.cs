using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.SignIn.Claims;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn.Groups;

/// <summary>Why a bearer does not hold all groups of its developer.</summary>
internal enum OmittedGroups
{
    None,

    /// <summary>The IdP left them out of its tokens, and nobody else is asked.</summary>
    ByIdp,

    /// <summary>They are many, and only those that something is decided by are kept (<see cref="BearerGroups"/>).
    /// </summary>
    Unnamed,
}

/// <summary>Somebody's groups.</summary>
/// <param name="Problem">Null with groups; else why nobody can tell them, a mistake of the set-up.</param>
/// <param name="AreOfGraph">Whether they come of <c>oidc.entra_groups</c>.</param>
internal readonly record struct GroupsResult(
    IReadOnlyList<string> Groups,
    OmittedGroups Omitted = OmittedGroups.None,
    string? Problem = null,
    bool AreOfGraph = false)
{
    public static GroupsResult Unknown(string problem) => new([], Problem: problem);
}

/// <summary>
/// The groups of whoever signs in: of the claims, or of the directory that <c>oidc.google_groups</c> or
/// <c>oidc.entra_groups</c> names.
/// </summary>
/// <param name="google">Null without <c>oidc.google_groups</c>.</param>
/// <param name="entra">Null without <c>oidc.entra_groups</c>.</param>
internal sealed class UserGroups(OidcConfig config, GoogleGroups? google, EntraGroups? entra)
{
    /// <summary>For the log, when <see cref="OmittedGroups.ByIdp"/>.</summary>
    public const string OmittedByIdp =
        "oidc: the IdP left the groups out of its token, being too many for one (group overage), and this developer has "
            + "none here: set oidc.entra_groups: true to ask Microsoft Graph, or have the IdP send fewer groups";

    private readonly ClaimMapping _mapping = new(config);

    /// <param name="claims">Of the id_token; of userinfo where a refresh brought none.</param>
    /// <param name="userinfo">What fills gaps; null when it was not asked.</param>
    /// <param name="email">Null when there is none.</param>
    /// <exception cref="IdentityProviderUnavailableException">A directory did not answer, or refused.</exception>
    public async Task<GroupsResult> FindAsync(JsonElement claims, JsonElement? userinfo, string? email)
    {
        if (google is not null)
        {
            return email is null
                ? GroupsResult.Unknown(
                    "oidc.google_groups is configured but the id_token has no email — check oidc.email_claim and that "
                        + "the email scope is requested")
                : new GroupsResult(await google.OfAsync(email));
        }

        var groupClaims = userinfo is { } info && !_mapping.HasGroups(claims) ? info : claims;
        if (_mapping.HasGroups(groupClaims) || !_mapping.OmitsGroups(claims))
        {
            return new GroupsResult(_mapping.Groups(groupClaims));
        }

        if (entra is null)
        {
            return new GroupsResult([], OmittedGroups.ByIdp);
        }

        return Guid.TryParse(claims.Text("oid"), out var objectId)
            ? new GroupsResult(await entra.OfAsync(objectId), AreOfGraph: true)
            : GroupsResult.Unknown(
                "oidc.entra_groups is configured but the id_token has no oid that is a GUID — check that the profile "
                    + "scope is requested (oidc.scopes)");
    }
}
