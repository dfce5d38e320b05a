using System.Data.Common;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>Tells a store that is away from a statement that is wrong, and words the former for an operator.</summary>
internal static class StoreErrors
{
    // https://www.sqlite.org/rescode.html: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB
    private static readonly int[] SqliteUnavailable = [5, 6, SqliteReadOnly, 10, 11, 13, 14, 26];

    private const int SqliteReadOnly = 8;

    /// <summary>idle_session_timeout, which Npgsql has no name for.</summary>
    private const string IdleSessionTimeout = "57P05";

    public static bool IsUnavailable(DbException exception) => exception switch
    {
        PostgresException e => IsUnavailable(e.SqlState),
        NpgsqlException => true,
        SqliteException e => SqliteUnavailable.Contains(e.SqliteErrorCode),
        _ => false,
    };

    /// <summary>
    /// Whether another connection may do what this one could not: it went away under a statement, as after a restart of
    /// the server, or it can only read.
    /// </summary>
    public static bool IsStaleConnection(DbException exception) => IsReadOnly(exception) || exception switch
    {
        PostgresException e => IsEndOfSession(e.SqlState),
        NpgsqlException e => e.InnerException is IOException or SocketException or ObjectDisposedException,
        _ => false,
    };

    /// <summary>
    /// Whether a write was refused because the database, or just this session or handle, can only be read. Both keep
    /// that from when they were opened, however the database is by now.
    /// </summary>
    public static bool IsReadOnly(DbException exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction }
            or WrongServerException { IsReadOnly: true }
            or SqliteException { SqliteErrorCode: SqliteReadOnly };

    /// <summary>
    /// Whether a COMMIT that ended so may hold: everything but the server's own word that it does not.
    /// </summary>
    public static bool LeavesCommitOpen(DbException exception) =>
        exception is PostgresException e ? IsEndOfSession(e.SqlState) : exception is NpgsqlException;

    /// <summary>
    /// Whether the store undid a transaction because another one stood in its way (serialization, deadlock): the same
    /// again may pass.
    /// </summary>
    public static bool IsConflict(Exception? exception) =>
        exception is PostgresException e && IsConflict(e.SqlState);

    /// <summary>Whether a statement was refused for what one of its rows holds, and always will be.</summary>
    public static bool RefusesRow(DbException exception) => exception switch
    {
        // Data exception, integrity constraint, a trigger's own error, a row larger than an index takes.
        PostgresException e => e.SqlState[..2] is "22" or "23" or "P0" or "54",
        // https://www.sqlite.org/rescode.html: TOOBIG, CONSTRAINT, MISMATCH, RANGE
        SqliteException e => e.SqliteErrorCode is 18 or 19 or 20 or 25,
        _ => false,
    };

    /// <summary>
    /// The setting of the URL that the server does not know, when that is why it refuses and it says so in English.
    /// </summary>
    public static string? UnknownSetting(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.UndefinedObject } e
            && e.MessageText.Split('"') is [_, var name, _] && e.Severity != "ERROR"
            ? name
            : null;

    /// <summary>What PgBouncer, which speaks English alone, does not pass on to the server.</summary>
    public static string? RefusedByPooler(Exception exception)
    {
        const string word = "unsupported startup parameter";
        return exception is PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation } e
            && e.MessageText.StartsWith(word, StringComparison.Ordinal)
                ? e.MessageText.StartsWith(word + " in options", StringComparison.Ordinal) ? "options"
                : e.MessageText[word.Length..].Trim(':', ' ')
                : null;
    }

    /// <summary>Whether waiting may help at boot: a server that is away or starting, not one that refuses.</summary>
    public static bool IsWorthWaiting(Exception exception) => exception switch
    {
        PostgresException e => e.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown
            or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.TooManyConnections,
        WrongServerException => true,
        NpgsqlException e => e.InnerException is SocketException or IOException or TimeoutException
            or StorePasswordException,
        StorePasswordException or TimeoutException or OperationCanceledException or SocketException => true,
        _ => false,
    };

    /// <summary>One line without secrets: the server's own words, or why there are none.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        PostgresException e => e.MessageText,
        NpgsqlException { InnerException: StorePasswordException e } => e.Message,
        NpgsqlException { InnerException: TimeoutException } => "no answer in time",
        NpgsqlException { InnerException: SocketException e } => $"Failed to connect ({e.Message})",
        // "Exception while performing SSL handshake" alone helps nobody.
        NpgsqlException { InnerException: AuthenticationException e } =>
            $"TLS failed: {e.Message.ReplaceLineEndings(" ")}",
        OperationCanceledException or TimeoutException => "Failed to connect (no answer in time)",
        _ => exception.Message.ReplaceLineEndings(" "),
    };

    /// <summary>
    /// The server's last word before it closes the connection; a synchronous replication's COMMIT may hold even then.
    /// </summary>
    private static bool IsEndOfSession(string sqlState) =>
        sqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleSessionTimeout;

    private static bool IsConflict(string sqlState) =>
        sqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    private static bool IsUnavailable(string sqlState) =>
        sqlState is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.InvalidCatalogName
        || sqlState.StartsWith("08", StringComparison.Ordinal) // connection exceptions
        || sqlState.StartsWith("28", StringComparison.Ordinal) // the password was changed
        || IsConflict(sqlState)
        || sqlState.StartsWith("53", StringComparison.Ordinal) // disk full, too many connections
        || sqlState.StartsWith("57", StringComparison.Ordinal) // shutting down, statement cancelled
        || sqlState.StartsWith("58", StringComparison.Ordinal) // I/O error
        || sqlState.StartsWith("XX", StringComparison.Ordinal); // its own fault, as it says itself
}
