using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// The tables of spend and its limits. Their rows end by the retention an operator chooses (<see
/// cref="RetentionSweep"/>).
/// </summary>
internal static class SpendTables
{
    public static readonly Migration Migration = new(20, "spend", """
        CREATE TABLE gw_spend_limit (
            id text PRIMARY KEY,
            position bigint NOT NULL UNIQUE,
            scope_type text NOT NULL,
            scope_id text NOT NULL,
            scope_key bytea NOT NULL,
            period int NOT NULL,
            amount_cents bigint,
            pool_cents bigint,
            pool_paused int,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            UNIQUE (scope_key, period)
        );
        CREATE TABLE gw_spend_sequence (
            name text PRIMARY KEY,
            value bigint NOT NULL
        );
        INSERT INTO gw_spend_sequence (name, value) VALUES ('audit', 0);
        CREATE TABLE gw_spend_audit (
            id bigint PRIMARY KEY,
            created_at bigint NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            target_id text NOT NULL,
            before_limit text,
            after_limit text
        );
        CREATE TABLE gw_spend_counter (
            key bytea NOT NULL,
            period int NOT NULL,
            start_day int NOT NULL,
            amount bigint NOT NULL,
            PRIMARY KEY (key, period, start_day)
        );
        CREATE INDEX gw_spend_counter_start_day ON gw_spend_counter (period, start_day);
        CREATE TABLE gw_spend_principal (
            key bytea PRIMARY KEY,
            sub text NOT NULL,
            email text,
            name text,
            groups text NOT NULL,
            seen_at bigint NOT NULL
        );
        CREATE INDEX gw_spend_principal_seen_at ON gw_spend_principal (seen_at);
        CREATE TABLE gw_spend_alert (
            id text PRIMARY KEY,
            body text NOT NULL,
            created_at bigint NOT NULL,
            next_attempt_at bigint,
            attempts int NOT NULL
        );
        CREATE INDEX gw_spend_alert_next_attempt_at ON gw_spend_alert (next_attempt_at);
        CREATE TABLE gw_spend_writer (
            id text PRIMARY KEY,
            sequence bigint NOT NULL,
            seen_at bigint NOT NULL
        );
        """);

    /// <summary>Why a change was made; null for what was made here by the admin API.</summary>
    public static readonly Migration AuditReason = new(60, "audit reason", """
        ALTER TABLE gw_spend_audit ADD COLUMN reason text;
        """);
}
