using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// Reads the IdP's discovery document and offers its token endpoint a refresh token that cannot exist: an IdP that has
/// accepted the client refuses the token (RFC 6749 section 5.2, invalid_grant), any other refuses the client.
/// </summary>
internal static class IdentityProviderExamination
{
    private const string NoSuchToken = "claude-gateway-doctor";

    public static async Task<Finding> RunAsync(
        OidcConfig config,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        var subject = $"identity provider {config.IssuerText}";
        try
        {
            using var provider = await IdentityProvider.DiscoverAsync(config, outbound, clock, log, cancellation);
            return await provider.RefreshAsync(NoSuchToken) switch
            {
                TokenEndpointAnswer.Refused
                {
                    Error: "invalid_client" or "unauthorized_client"
                    or null, Status: var status
                } refused =>
                    Finding.Ill(
                        subject,
                        $"refuses the client: {status} {refused.Error}",
                        "compare oidc.client_id and its secret (or certificate) with the application at the IdP, and "
                            + "allow it the authorization code and refresh token grants"),
                TokenEndpointAnswer.Refused refused =>
                    Finding.Well(
                        subject, $"discovery and client accepted ({refused.Error} for a token that does not exist)"),
                TokenEndpointAnswer.Unavailable unavailable =>
                    Finding.Ill(subject, unavailable.Reason, "let the gateway reach the IdP's token endpoint"),
                _ => Finding.Well(subject, "discovery and client accepted"),
            };
        }
        catch (OperatorException e)
        {
            return Finding.Ill(
                subject,
                e.Message,
                "oidc.issuer must be the issuer exactly as the IdP spells it, and reachable from here");
        }
    }
}
