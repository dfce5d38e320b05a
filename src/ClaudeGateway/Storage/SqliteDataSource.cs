using System.Data.Common;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace ClaudeGateway.Storage;

/// <summary>
/// Connections to the embedded store, on the system's SQLite library, which the operating system keeps patched.
/// </summary>
internal sealed class SqliteDataSource : DbDataSource
{
    // The name Debian, Ubuntu, Fedora and Alpine give it; the second is what a development package adds.
    private static readonly string[] SystemLibraries = ["libsqlite3.so.0", "libsqlite3.so", "libsqlite3.dylib"];

    static SqliteDataSource()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, FindLibrary);
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
    }

    public SqliteDataSource(string path)
    {
        ConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Pooling = true,
            // Seconds a statement waits for another writer.
            DefaultTimeout = 2,
        }.ToString();
    }

    public override string ConnectionString { get; }

    /// <summary>Closes the pooled handles; those in use are closed when they come back.</summary>
    public void Clear()
    {
        using var connection = new SqliteConnection(ConnectionString);
        SqliteConnection.ClearPool(connection);
    }

    protected override DbConnection CreateDbConnection() => new SqliteConnection(ConnectionString);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Clear();
        }

        base.Dispose(disposing);
    }

    private static nint FindLibrary(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name == "e_sqlite3")
        {
            foreach (var library in SystemLibraries)
            {
                if (NativeLibrary.TryLoad(library, out var handle))
                {
                    return handle;
                }
            }
        }

        return 0;
    }
}
