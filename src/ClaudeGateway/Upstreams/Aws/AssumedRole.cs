using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Upstreams.Aws;

/// <summary>
/// The sessions of <c>assume_role</c>: one for all, or one per developer named by a claim (spec/newer.md). A refusal of
/// STS means no credential; the gateway's own are never used instead.
/// </summary>
internal sealed class AssumedRole(AssumeRoleConfig config, string region, Func<CancellationToken, ValueTask<AwsCredentials>> own, CloudContext context)
{
    /// <summary>Of more developers than this those who asked longest ago cost another call of STS.</summary>
    private const int MaxSessions = 10_000;

    private readonly SecurityTokenService _sts = new(context.CredentialHttp);
    private readonly RecentlyUsed<CredentialCache<AwsCredentials>> _sessions = new(MaxSessions, context.Clock);

    /// <exception cref="UpstreamUnavailableException">STS refused, or the developer has no claim to name a session by.</exception>
    public ValueTask<AwsCredentials> GetAsync(Principal? developer, CancellationToken cancellation) =>
        _sessions.Get(RoleSessionName.Of(config.SessionName, developer), this, static (name, role) => role.Session(name)).GetAsync(cancellation);

    private CredentialCache<AwsCredentials> Session(string name) => new(
        async cancellation => await _sts.AssumeRoleAsync(await own(cancellation), region, config.RoleArn, config.ExternalId, name, cancellation),
        context.Clock);
}
