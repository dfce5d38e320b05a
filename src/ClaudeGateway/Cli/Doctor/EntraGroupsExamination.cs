using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>Asks Microsoft Graph for the groups of somebody, which proves the permissions of the application.</summary>
internal static class EntraGroupsExamination
{
    public static async Task<Finding> RunAsync(
        OidcConfig config,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        var subject = $"oidc.entra_groups {config.EntraGraphUrl.GetLeftPart(UriPartial.Authority)}";
        try
        {
            using var provider = await IdentityProvider.DiscoverAsync(config, outbound, clock, log, cancellation);
            using var groups = EntraGroups.Create(config, provider, outbound, clock);
            await groups.ProbeAsync();
            return Finding.Well(subject, "users and their groups can be read");
        }
        catch (IdentityProviderUnavailableException e)
        {
            return Finding.Ill(
                subject,
                e.Message,
                "grant the application User.ReadBasic.All and GroupMember.Read.All of Microsoft Graph (application "
                    + "permissions, admin consent), or set oidc.entra_graph_url for another cloud");
        }
        catch (OperatorException e)
        {
            return Finding.Ill(subject, e.Message, "the identity provider comes first");
        }
    }
}
