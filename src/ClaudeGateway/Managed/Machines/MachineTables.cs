using ClaudeGateway.Storage;

namespace ClaudeGateway.Managed.Machines;

/// <summary>The table of machines, and when one is forgotten.</summary>
internal static class MachineTables
{
    public static readonly Migration Migration = new(30, "machines", """
        CREATE TABLE gw_machine (
            session_id text PRIMARY KEY,
            version text NOT NULL,
            seen_at bigint NOT NULL
        );
        CREATE INDEX gw_machine_seen_at ON gw_machine (seen_at);
        """);

    /// <summary>Machines unseen for 30 days.</summary>
    public static readonly IReadOnlyList<ExpiringRows> Expiry =
        [new("gw_machine", "session_id", "seen_at < $1 - 2592000000")];
}
