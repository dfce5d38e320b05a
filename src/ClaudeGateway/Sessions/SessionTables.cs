using ClaudeGateway.Storage;

namespace ClaudeGateway.Sessions;

/// <summary>When a row of <c>gw_revocation</c> is over; the first migration of the sign-in made the table.</summary>
internal static class SessionTables
{
    public static readonly IReadOnlyList<ExpiringRows> Expiry =
        [new("gw_revocation", "token_key", "expires_at < $1")];
}
