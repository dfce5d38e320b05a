using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn.Claims;

/// <summary>
/// Who of the IdP's users may sign in (spec/auth.md: allowed_email_domains, allowed_groups); asked again at every
/// refresh.
/// </summary>
internal sealed class SignInPolicy(OidcConfig config)
{
    /// <summary>The reason to refuse, or null.</summary>
    /// <param name="areGroupsKnown">False when the IdP left the groups out and nobody else was asked.</param>
    public string? Refuses(Identity identity, bool areGroupsKnown = true)
    {
        if (config.AllowedEmailDomains.Count > 0)
        {
            if (identity.Email is not { } email || !email.Contains('@', StringComparison.Ordinal))
            {
                return "id_token missing email claim — configure your IdP to include it, or set oidc.email_claim to "
                    + "the claim that carries it";
            }

            if (!config.AllowedEmailDomains.Any(domain => EmailDomain.Is(email, domain)))
            {
                return "email domain not allowed";
            }
        }

        return config.AllowedGroups.Count == 0 || identity.Groups.Any(config.AllowedGroups.Contains) ? null
            : areGroupsKnown ? "user is not a member of an allowed group"
            : "user is not known to be a member of an allowed group: the IdP left the groups out, being too many for "
                + "its token; set oidc.entra_groups";
    }
}
