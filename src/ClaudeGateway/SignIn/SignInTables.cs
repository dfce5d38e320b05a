using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// The tables of a sign-in under way and of refresh tokens that were used, and when their rows are over. The first
/// migration also makes the table of revocations, which is <see cref="Sessions.SessionTables"/>' since: what was
/// released is never changed.
/// </summary>
internal static class SignInTables
{
    public static readonly Migration Migration = new(1, "sign-in", """
        CREATE TABLE gw_device_grant (
            device_code_hash bytea PRIMARY KEY,
            user_code_hash bytea NOT NULL UNIQUE,
            status text NOT NULL,
            requested_from text NOT NULL,
            requested_at bigint NOT NULL,
            user_agent text,
            surface text,
            expires_at bigint NOT NULL,
            polled_at bigint,
            approved_at bigint,
            sealed_identity bytea
        );
        CREATE INDEX gw_device_grant_expires_at ON gw_device_grant (expires_at);
        CREATE TABLE gw_sign_in_attempt (
            state_hash bytea PRIMARY KEY,
            device_code_hash bytea NOT NULL,
            browser_hash bytea NOT NULL,
            expires_at bigint NOT NULL,
            claimed_at bigint
        );
        CREATE INDEX gw_sign_in_attempt_expires_at ON gw_sign_in_attempt (expires_at);
        CREATE TABLE gw_rate_limit (
            bucket text PRIMARY KEY,
            hits int NOT NULL,
            expires_at bigint NOT NULL
        );
        CREATE INDEX gw_rate_limit_expires_at ON gw_rate_limit (expires_at);
        CREATE TABLE gw_revocation (
            token_key text PRIMARY KEY,
            revoked_at bigint NOT NULL,
            expires_at bigint NOT NULL
        );
        CREATE INDEX gw_revocation_revoked_at ON gw_revocation (revoked_at);
        CREATE INDEX gw_revocation_expires_at ON gw_revocation (expires_at);
        """);

    /// <summary>A lease is dead long before the sweep takes it away; clocks may differ by five minutes.</summary>
    private const string DeadLease = "status = 'asking' AND beat < $1 - 600000";

    public static readonly Migration Refresh = new(40, "refresh", """
        CREATE TABLE gw_refresh (
            token_hash bytea PRIMARY KEY,
            status text NOT NULL,
            holder text NOT NULL,
            beat bigint NOT NULL,
            sealed_outcome bytea,
            remembered_until bigint,
            expires_at bigint NOT NULL
        );
        CREATE INDEX gw_refresh_expires_at ON gw_refresh (expires_at);
        CREATE INDEX gw_refresh_remembered_until ON gw_refresh (remembered_until) WHERE sealed_outcome IS NOT NULL;
        CREATE INDEX gw_refresh_beat ON gw_refresh (beat) WHERE status = 'asking';
        """);

    public static readonly IReadOnlyList<ExpiringRows> Expiry =
    [
        new("gw_sign_in_attempt", "state_hash", "expires_at < $1"),
        new("gw_device_grant", "device_code_hash", "expires_at < $1"),
        new("gw_rate_limit", "bucket", "expires_at < $1"),
        new("gw_refresh", "token_hash", "sealed_outcome IS NOT NULL AND remembered_until < $1", "sealed_outcome"),
        new("gw_refresh", "token_hash", DeadLease),
        new("gw_refresh", "token_hash", "expires_at < $1"),
    ];
}
