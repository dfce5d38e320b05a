using ClaudeGateway.Storage;

namespace ClaudeGateway.Sessions;

/// <summary>
/// The table of the kept secret (<see cref="KeptSecret"/>), and when a row of <c>gw_revocation</c> is over; the first
/// migration of the sign-in made that one.
/// </summary>
internal static class SessionTables
{
    /// <summary>At most one row, whose id is 1.</summary>
    public static readonly Migration Secret = new(50, "session secret", """
        CREATE TABLE gw_session_secret (
            id int PRIMARY KEY CHECK (id = 1),
            secret text NOT NULL,
            made_at bigint NOT NULL
        );
        """);

    public static readonly IReadOnlyList<ExpiringRows> Expiry =
        [new("gw_revocation", "token_key", "expires_at < $1")];
}
