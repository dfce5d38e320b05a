using ClaudeGateway.Storage;

namespace ClaudeGateway.Import;

/// <summary>
/// What has come from which source, so that a second import adds only what is new there. A source is known by the
/// moment it applied its first migration, in microseconds: a dump of it, restored elsewhere, is the same source.
/// </summary>
internal static class ImportTables
{
    /// <summary>
    /// <c>gw_import_spend.pending</c> is what the running import is about to add; null at all other times.
    /// </summary>
    public static readonly Migration Migration = new(61, "import", """
        CREATE TABLE gw_import_limit (
            source bigint NOT NULL,
            id text NOT NULL,
            value text NOT NULL,
            PRIMARY KEY (source, id)
        );
        CREATE TABLE gw_import_spend (
            source bigint NOT NULL,
            key bytea NOT NULL,
            period int NOT NULL,
            start_day int NOT NULL,
            amount bigint NOT NULL,
            pending bigint,
            PRIMARY KEY (source, key, period, start_day)
        );
        CREATE TABLE gw_import_audit (
            source bigint NOT NULL,
            id bigint NOT NULL,
            PRIMARY KEY (source, id)
        );
        INSERT INTO gw_spend_sequence (name, value) VALUES ('import', 0);
        """);
}
