using System.Collections.Concurrent;

namespace ClaudeGateway.Sessions;

/// <summary>What a revocation names.</summary>
internal enum RevocationKind
{
    /// <summary>One bearer, by its <c>jti</c>.</summary>
    Token,

    /// <summary>A sign-in with every bearer and refresh token that came of it, by its <c>sid</c>.</summary>
    Session,

    /// <summary>Everything a person was given up to a moment, by <c>sub</c>.</summary>
    Subject,
}

/// <summary>A session, bearer or person whose tokens are not taken any more.</summary>
/// <param name="At">Tokens of a person issued after it are good again.</param>
/// <param name="Expires">When every token it concerns is over anyway.</param>
internal sealed record Revocation(RevocationKind Kind, string Id, DateTimeOffset At, DateTimeOffset Expires);

/// <summary>
/// The revocations in force, in memory, because every request asks and none may wait for the store;
/// <see cref="RevocationSync"/> keeps them equal on all replicas.
/// </summary>
internal sealed class Revocations(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Revocation> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Revocation> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Revocation> _subjects = new(StringComparer.Ordinal);

    public void Add(Revocation revocation)
    {
        if (revocation.Expires > clock.GetUtcNow())
        {
            Of(revocation.Kind)
                .AddOrUpdate(revocation.Id, revocation, (_, known) => known.At > revocation.At ? known : revocation);
        }
    }

    public bool Covers(Principal principal) =>
        (principal.TokenId is { } token && _tokens.ContainsKey(token))
        || CoversSession(principal.SessionId, principal.Sub, principal.IssuedAt);

    /// <param name="issuedAt">When the token in question was issued.</param>
    public bool CoversSession(string? sessionId, string sub, DateTimeOffset issuedAt) =>
        (sessionId is not null && _sessions.ContainsKey(sessionId))
        || (_subjects.TryGetValue(sub, out var revoked) && issuedAt <= revoked.At);

    /// <summary>Forgets what is over.</summary>
    public void Prune()
    {
        var now = clock.GetUtcNow();
        foreach (var revocations in (ReadOnlySpan<ConcurrentDictionary<string, Revocation>>)[
            _tokens, _sessions, _subjects])
        {
            foreach (var (id, revocation) in revocations)
            {
                if (revocation.Expires <= now)
                {
                    revocations.TryRemove(id, out _);
                }
            }
        }
    }

    private ConcurrentDictionary<string, Revocation> Of(RevocationKind kind) => kind switch
    {
        RevocationKind.Token => _tokens,
        RevocationKind.Session => _sessions,
        _ => _subjects,
    };
}
