using System.Diagnostics;
using System.Globalization;

namespace ClaudeGateway.Testing;

/// <summary>
/// PgBouncer in transaction mode before a PostgreSQL server: a connection of a client has a session of the server for
/// as long as a transaction lasts. It ends with the process that started it.
/// </summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private const int StartAttempts = 5;

    // Ends with its standard input, which the system closes when the test process dies.
    private const string Script = """
        set -eu
        cd /
        PATH=$PATH:/usr/sbin
        command -v pgbouncer >/dev/null || { echo "no PgBouncer found" >&2; exit 1; }
        dir=$(mktemp -d /tmp/claude-gateway-pgbouncer.XXXXXX)
        trap 'rm -rf "$dir"' EXIT
        echo '"postgres" ""' >"$dir/users"
        cat >"$dir/ini" <<INI
        [databases]
        * = host=127.0.0.1 port=$1
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = $2
        unix_socket_dir =
        auth_type = trust
        auth_file = $dir/users
        pool_mode = transaction
        default_pool_size = 2
        INI
        pgbouncer "$dir/ini" &
        pooler=$!
        cat >/dev/null
        kill "$pooler"
        wait "$pooler" || true
        """;

    private readonly System.Diagnostics.Process _process;

    private PgBouncer(System.Diagnostics.Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <exception cref="InvalidOperationException">PgBouncer is not installed or does not start.</exception>
    public static async Task<PgBouncer> StartAsync(int postgresPort)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryStartAsync(postgresPort);
            }
            catch (InvalidOperationException e)
                when (attempt < StartAttempts && e.Message.Contains("in use", StringComparison.Ordinal))
            {
                // Another process took the port between choosing and binding it.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<PgBouncer> TryStartAsync(int postgresPort)
    {
        var port = Ports.Free();
        var start = new ProcessStartInfo
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        // It refuses to run as root; Debian's package of PostgreSQL brings the user.
        string[] command = Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", "sh"] : ["sh"];
        start.FileName = command[0];
        foreach (var argument in (string[])
            [
                .. command[1..],
                "-c",
                Script,
                "sh",
                postgresPort.ToString(CultureInfo.InvariantCulture),
                port.ToString(CultureInfo.InvariantCulture),
            ])
        {
            start.ArgumentList.Add(argument);
        }

        var process = System.Diagnostics.Process.Start(start)!;
        var said = "";
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            said += line + "\n";
            if (line.Contains("process up", StringComparison.Ordinal))
            {
                // What it goes on to say must not fill the pipe.
                _ = process.StandardError.ReadToEndAsync();
                return new PgBouncer(process, port);
            }
        }

        process.Dispose();
        throw new InvalidOperationException($"PgBouncer did not start: {said}");
    }
}
