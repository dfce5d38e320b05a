namespace ClaudeGateway.Storage;

/// <summary>
/// All migrations in order. Tables begin with <c>gw_</c>, so that a database the reference has used can be kept: its own
/// tables have other names.
/// </summary>
internal static partial class Migrations
{
    public static readonly IReadOnlyList<Migration> All = [SignIn, Spend, Machines];
}
