using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.SignIn.Pages;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>Puts the parts of the sign-in together and maps its routes.</summary>
internal sealed class SignInFeature(GatewayConfig config, Database database, TimeProvider clock, AuditLog audit, OperationalLog log)
{
    public void Map(Routes routes, IdentityProvider provider, SessionSecrets secrets, SessionTokens tokens, Revocations revocations, RevocationStore revocationStore, GoogleGroups? googleGroups)
    {
        var origin = new PublicOrigin(config.Listen);
        var box = new SealedBox(secrets);
        var grants = new DeviceGrantStore(database, clock);
        var browser = new BrowserBinding(origin);
        var identities = new IdentityResolver(config.Oidc, provider, googleGroups);
        var refreshTokens = new RefreshTokens(box, clock);

        new LandingPage(origin).Map(routes);
        new MetadataEndpoint(origin).Map(routes);
        new DeviceAuthorizationEndpoint(origin, grants, RateLimit("device_authorization", config.RateLimits.DeviceAuthorization), config.LoginNotice, audit).Map(routes);
        new VerificationEndpoint(
            origin,
            provider,
            grants,
            RateLimit("device_verify", config.RateLimits.DeviceVerify),
            RateLimit("device_lookup", config.RateLimits.DeviceAuthorization),
            browser,
            new DevicePages(FormAction(provider.Metadata), config.LoginNotice),
            clock,
            audit).Map(routes);
        new CallbackEndpoint(config.Session, origin, provider, identities, grants, browser, box, clock, audit, log).Map(routes);
        new TokenEndpoint(
            new DeviceCodeGrant(grants, tokens, refreshTokens, box, revocations),
            new RefreshTokenGrant(config.Session, provider, identities, tokens, refreshTokens, revocations, audit),
            origin).Map(routes);
        new RevocationEndpoint(tokens, refreshTokens, revocationStore, provider, audit, log).Map(routes);
    }

    private SignInRateLimit RateLimit(string name, RateLimitRule rule) => new(database, clock, name, rule);

    /// <summary>Browsers apply form-action to the redirect that answers a form, so the IdP's origin belongs to it, and those it redirects to.</summary>
    private string FormAction(ProviderMetadata metadata) =>
        string.Join(' ', new[] { "'self'", Origin(metadata.AuthorizationEndpoint) }.Concat(config.Oidc.FormActionOrigins.Select(Origin)).Distinct());

    private static string Origin(Uri url) => url.GetLeftPart(UriPartial.Authority);
}
