using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// What the sign-in of one configuration is put together from, by name: the endpoints and grants take what they need of
/// it.
/// </summary>
internal sealed class SignInParts
{
    public required GatewayConfig Config { get; init; }

    public required Database Database { get; init; }

    /// <summary>Shared by the configurations whose <c>oidc</c> section says the same.</summary>
    public required IdentityProvider Provider { get; init; }

    public required UserGroups UserGroups { get; init; }

    /// <summary>Whether a group has a spend limit or a shared budget now.</summary>
    public required Func<string, bool> GroupHasLimit { get; init; }

    public required SessionSecrets Secrets { get; init; }

    public required SessionTokens Tokens { get; init; }

    /// <summary>Where the bearers of this configuration are presented.</summary>
    public required RequireSession Session { get; init; }

    public required Revocations Revocations { get; init; }

    public required RevocationStore RevocationStore { get; init; }

    /// <summary>Shared by all configurations of the process.</summary>
    public required RefreshesHere RefreshesHere { get; init; }

    public required TimeProvider Clock { get; init; }

    public required AuditLog Audit { get; init; }

    public required OperationalLog Log { get; init; }

    public PublicOrigin Origin => field ??= new PublicOrigin(Config.Listen);

    public SealedBox Box => field ??= new SealedBox(Secrets);

    public DeviceGrantStore Grants => field ??= new DeviceGrantStore(Database, Clock);

    public UnknownCodeLimit UnknownCodes => field ??= new UnknownCodeLimit(Clock);

    public BrowserBinding Browser => field ??= new BrowserBinding(Origin);

    public IdentityResolver Identities => field ??= new IdentityResolver(
        Config.Oidc, Provider, UserGroups, new BearerGroups(Config, GroupHasLimit));

    public RefreshTokens RefreshTokens => field ??= new RefreshTokens(Box, Clock);

    /// <param name="name">Names the count in the store; limits of one name count together.</param>
    public SignInRateLimit RateLimit(string name, RateLimitRule rule) => new(Database, Clock, name, rule);
}
