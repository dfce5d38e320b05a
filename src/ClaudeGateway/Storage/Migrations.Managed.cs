namespace ClaudeGateway.Storage;

internal static partial class Migrations
{
    private static Migration Machines => new(30, "machines", """
        CREATE TABLE gw_machine (
            session_id text PRIMARY KEY,
            version text NOT NULL,
            seen_at bigint NOT NULL
        );
        CREATE INDEX gw_machine_seen_at ON gw_machine (seen_at);
        """);
}
