using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.SignIn.Pages;

namespace ClaudeGateway.SignIn;

/// <summary>Maps the routes of the sign-in.</summary>
internal static class SignInFeature
{
    public static void Map(Routes routes, SignInParts parts)
    {
        new LandingPage(parts.Origin).Map(routes);
        new MetadataEndpoint(parts.Origin).Map(routes);
        new DeviceAuthorizationEndpoint(parts).Map(routes);
        var formAction = FormAction(parts.Provider.Metadata, parts.Config.Oidc);
        new VerificationEndpoint(parts, new DevicePages(formAction, parts.Config.LoginNotice)).Map(routes);
        new CallbackEndpoint(parts).Map(routes);
        new TokenEndpoint(
            new DeviceCodeGrant(parts),
            new RefreshTokenGrant(parts),
            parts.Origin).Map(routes);
        new RevocationEndpoint(parts).Map(routes);
    }

    /// <summary>
    /// Browsers apply form-action to the redirect that answers a form, so the IdP's origin belongs to it, and those it
    /// redirects to.
    /// </summary>
    private static string FormAction(ProviderMetadata metadata, OidcConfig config) =>
        string.Join(
            ' ',
            new[] { "'self'", Origin(metadata.AuthorizationEndpoint) }
                .Concat(config.FormActionOrigins.Select(Origin))
                .Distinct());

    private static string Origin(Uri url) => url.GetLeftPart(UriPartial.Authority);
}
