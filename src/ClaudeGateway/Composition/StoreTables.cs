using ClaudeGateway.Import;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Composition;

/// <summary>
/// What the features keep in the store, put together: <c>Storage</c> runs it and knows no table. Tables begin with
/// <c>gw_</c>, so that a database the reference has used can be kept: its own tables have other names.
/// </summary>
internal static class StoreTables
{
    /// <summary>All migrations in the order they are applied in; a new one comes last.</summary>
    public static readonly IReadOnlyList<Migration> Migrations =
    [
        SignInTables.Migration, SpendTables.Migration, MachineTables.Migration, SignInTables.Refresh,
        SessionTables.Secret, SpendTables.AuditReason, ImportTables.Migration,
    ];

    /// <summary>The rows that expire, the sign-in's first: they are the most.</summary>
    public static readonly IReadOnlyList<ExpiringRows> Expiry =
        [.. SignInTables.Expiry, .. SessionTables.Expiry, .. MachineTables.Expiry];
}
