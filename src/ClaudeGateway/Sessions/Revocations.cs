namespace ClaudeGateway.Sessions;

/// <summary>The sessions that were ended before their time.</summary>
internal sealed class Revocations
{
    private readonly HashSet<string> _sessions = [];

    public bool Covers(Principal principal) => principal.SessionId is { } id && _sessions.Contains(id);

    public bool CoversSession(string sessionId, string sub, DateTimeOffset since) => _sessions.Contains(sessionId) || (_sessions.Contains(sub) && since == default);
}
