using System.Collections.Concurrent;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// The sessions of <c>assume_role</c>: one for all, or one per developer named by a claim (spec/newer.md). A refusal of
/// STS means no credential; the gateway's own are never used instead.
/// </summary>
internal sealed class AssumedRole(AssumeRoleConfig config, string region, Func<CancellationToken, ValueTask<AwsCredentials>> own, CloudContext context)
{
    /// <summary>A session lasts an hour; of more developers than this the ones not seen for that long are forgotten.</summary>
    private const int SweepAt = 5000;
    private static readonly TimeSpan SessionLife = TimeSpan.FromHours(1);

    private readonly SecurityTokenService _sts = new(context.CredentialHttp);
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    /// <exception cref="UpstreamUnavailableException">STS refused, or the developer has no claim to name a session by.</exception>
    public ValueTask<AwsCredentials> GetAsync(Principal? developer, CancellationToken cancellation)
    {
        var session = _sessions.GetOrAdd(RoleSessionName.Of(config.SessionName, developer), static (name, role) => new Session(new CredentialCache<AwsCredentials>(role.Assume(name), role.Clock)), this);
        session.UsedAt = Clock.GetTimestamp();
        if (_sessions.Count > SweepAt)
        {
            Sweep();
        }

        return session.Credentials.GetAsync(cancellation);
    }

    private TimeProvider Clock => context.Clock;

    private Func<CancellationToken, Task<Lease<AwsCredentials>>> Assume(string sessionName) =>
        async cancellation => await _sts.AssumeRoleAsync(await own(cancellation), region, config.RoleArn, config.ExternalId, sessionName, cancellation);

    private void Sweep()
    {
        foreach (var (name, session) in _sessions)
        {
            if (Clock.GetElapsedTime(session.UsedAt) > SessionLife)
            {
                _sessions.TryRemove(name, out _);
            }
        }
    }

    private sealed class Session(CredentialCache<AwsCredentials> credentials)
    {
        public CredentialCache<AwsCredentials> Credentials { get; } = credentials;

        public long UsedAt { get; set; }
    }
}
