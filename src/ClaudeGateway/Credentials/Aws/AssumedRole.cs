using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// The sessions of <c>assume_role</c>: one for all, or one per developer named by a claim (spec/newer.md). A refusal of
/// STS means no credential; the gateway's own are never used instead.
/// </summary>
internal sealed class AssumedRole(
    AssumeRoleConfig config,
    string region,
    Func<CancellationToken, ValueTask<AwsCredentials>> own,
    CloudContext context)
{
    /// <summary>Of more developers than this those who asked longest ago cost another call of STS.</summary>
    private const int MaxSessions = 10_000;

    private readonly SecurityTokenService _sts = new(context.CredentialHttp);
    private readonly RecentlyUsed<CredentialCache<AwsCredentials>> _sessions = new(MaxSessions, context.Clock);

    /// <exception cref="UpstreamUnavailableException">STS refused, or the developer has no claim to name a session
    /// by.</exception>
    public ValueTask<AwsCredentials> GetAsync(Principal? developer, CancellationToken cancellation) =>
        SessionOf(RoleSessionName.Of(config.SessionName, developer)).GetAsync(cancellation);

    private CredentialCache<AwsCredentials> SessionOf(string name) =>
        _sessions.Get(name, this, static (name, role) => new(role.Assume(name), role.Clock));

    private TimeProvider Clock => context.Clock;

    private Func<CancellationToken, Task<Lease<AwsCredentials>>> Assume(string name) => async cancellation =>
    {
        var caller = await own(cancellation);
        return await _sts.AssumeRoleAsync(caller, region, config.RoleArn, config.ExternalId, name, cancellation);
    };
}
