using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using Npgsql;

namespace ClaudeGateway.Testing;

/// <summary>
/// A real PostgreSQL server, one for the whole test run (<see cref="SharedAsync"/>) or one of a test's own that it may
/// stop and start. Its files are in a temporary folder, and it ends with the process that started it, however that
/// ends.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const int StartAttempts = 5;

    // Ends with its standard input, which the system closes when the test process dies.
    private const string Script = """
        set -eu
        bin=$1; port=$2; cert=$3; key=$4; primary=$5
        cd /
        dir=$(mktemp -d /tmp/claude-gateway-postgres.XXXXXX)
        trap 'rm -rf "$dir"' EXIT
        if [ -n "$primary" ]; then
          "$bin/pg_basebackup" -D "$dir/data" -R -h 127.0.0.1 -p "$primary" -U postgres -c fast --no-sync >"$dir/copy.log" 2>&1 || { cat "$dir/copy.log" >&2; exit 1; }
        else "$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --no-locale --no-sync \
          >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
        fi
        options="-p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=300"
        options="$options -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        if [ -n "$cert" ]; then
          umask 077
          printf '%s\n' "$cert" >"$dir/server.crt"
          printf '%s\n' "$key" >"$dir/server.key"
          options="$options -c ssl=on -c ssl_cert_file=$dir/server.crt -c ssl_key_file=$dir/server.key"
        fi
        while read -r command; do
          case $command in
            start)
              if "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "$options" start >/dev/null 2>&1
              then echo ok; else tail -n 3 "$dir/log" >&2; exit 1; fi ;;
            promote) "$bin/pg_ctl" -D "$dir/data" -w promote >/dev/null 2>&1 && echo ok ;;
            stop) "$bin/pg_ctl" -D "$dir/data" -w -m fast stop >/dev/null 2>&1 && echo ok ;;
          esac
        done
        "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
        """;

    private static readonly Lazy<Task<PostgresServer>> Shared = new(() => StartAsync());
    private static readonly Lazy<Task<string>> Template = new(CreateTemplateAsync);

    private readonly System.Diagnostics.Process _process;
    private readonly int _port;

    private PostgresServer(System.Diagnostics.Process process, int port)
    {
        _process = process;
        _port = port;
    }

    public int Port => _port;

    /// <summary>The server of this test run, started by the first test that asks.</summary>
    public static Task<PostgresServer> SharedAsync() => Shared.Value;

    /// <summary>An empty database on the shared server: its postgres:// URL.</summary>
    public static async Task<string> NewDatabaseAsync() => await (await SharedAsync()).CreateDatabaseAsync();

    /// <summary>
    /// A database on the shared server whose tables are there already, cloned from one that was migrated once.
    /// </summary>
    public static async Task<string> NewMigratedDatabaseAsync() =>
        await (await SharedAsync()).CreateDatabaseAsync(await Template.Value);

    /// <exception cref="InvalidOperationException">PostgreSQL is not installed or does not start.</exception>
    /// <param name="tls">Encrypts with this certificate whoever asks for it; null has no TLS.</param>
    public static Task<PostgresServer> StartAsync(CertificateFiles? tls = null) => StartAsync(tls, primary: null);

    /// <summary>A standby that follows this server as long as it runs, with all its databases.</summary>
    public Task<PostgresServer> StartStandbyAsync() => StartAsync(tls: null, this);

    private static async Task<PostgresServer> StartAsync(CertificateFiles? tls, PostgresServer? primary)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Another process may take the port between choosing and binding it.
            var server = new PostgresServer(Launch(Ports.Free(), tls, primary, out var port), port);
            try
            {
                await server.StartServerAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < StartAttempts)
            {
                await server.DisposeAsync();
            }
        }
    }

    /// <returns>The postgres:// URL of a new database.</returns>
    public async Task<string> CreateDatabaseAsync(string template = "template1")
    {
        var name = "gw_" + RandomNumberGenerator.GetHexString(12, lowercase: true);
        await ExecuteAsync($"create database {name} template {template}");
        return $"postgres://postgres@127.0.0.1:{_port}/{name}";
    }

    /// <summary>Runs a statement in the maintenance database.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres;Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are the tests' own.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>From now on everybody but its superuser has to give a password.</summary>
    public async Task AskForPasswordsAsync()
    {
        await ExecuteAsync(
            "DO $$ BEGIN EXECUTE format('COPY (VALUES (''host all postgres 127.0.0.1/32 trust''), (''host all all "
                + "127.0.0.1/32 scram-sha-256'')) TO %L', current_setting('hba_file')); END $$");
        await ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <summary>
    /// A server with a new database whose user <c>app</c> has this password and needs it; the superuser needs none.
    /// </summary>
    /// <returns>With the host, port and path of the database's URL.</returns>
    public static async Task<(PostgresServer Server, string At)> StartAskingAsync(string password)
    {
        var server = await StartAsync();
        var url = new Uri(await server.CreateDatabaseAsync());
        await server.ExecuteAsync($"CREATE ROLE app SUPERUSER LOGIN PASSWORD '{password}'");
        await server.AskForPasswordsAsync();
        return (server, $"127.0.0.1:{url.Port}{url.AbsolutePath}");
    }

    /// <summary>Starts the server again on its port, with its data.</summary>
    public Task StartServerAsync() => SayAsync("start");

    /// <summary>Ends every session and stops listening; the data stays.</summary>
    public Task StopServerAsync() => SayAsync("stop");

    /// <summary>Makes a primary of a standby.</summary>
    public Task PromoteAsync() => SayAsync("promote");

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<string> CreateTemplateAsync()
    {
        const string name = "gw_template";
        var server = await SharedAsync();
        await server.ExecuteAsync($"create database {name}");
        using var lines = new StderrLines(Stream.Null);
        var log = new OperationalLog(lines, TimeProvider.System, LogLevel.Error);
        var target = PostgresUrl.Parse(new StoreConfig
        {
            PostgresUrl = new Secret($"postgres://postgres@127.0.0.1:{server._port}/{name}"),
        });
        // Unpooled: a database with open connections cannot be cloned.
        target.Settings.Pooling = false;
        var source = new PostgresDataSource(
            target, null, new ProcessEnvironment(new Dictionary<string, string>()), log);
        await using var database = new Database(source, TimeProvider.System);
        await new Migrator(database, TimeProvider.System, log).RunAsync(StoreTables.Migrations);
        return name;
    }

    private async Task SayAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        if (await _process.StandardOutput.ReadLineAsync() != "ok")
        {
            throw new InvalidOperationException(
                $"PostgreSQL did not {command}: {await _process.StandardError.ReadToEndAsync()}");
        }
    }

    private static System.Diagnostics.Process Launch(
        int freePort, CertificateFiles? tls, PostgresServer? primary, out int port)
    {
        port = freePort;
        var start = new ProcessStartInfo
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // PostgreSQL refuses to run as root; Debian's package brings the user.
        string[] command = Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", "sh"] : ["sh"];
        start.FileName = command[0];
        string[] arguments =
        [
            .. command[1..],
            "-c",
            Script,
            "sh",
            ProgramsFolder(),
            port.ToString(CultureInfo.InvariantCulture),
            tls is null ? "" : File.ReadAllText(tls.CertificatePath),
            tls is null ? "" : File.ReadAllText(tls.KeyPath),
            primary?.Port.ToString(CultureInfo.InvariantCulture) ?? "",
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return System.Diagnostics.Process.Start(start)!;
    }

    /// <summary>Where initdb, pg_ctl and, in a whole installation, pg_dump are.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL is not installed.</exception>
    public static string ProgramsFolder()
    {
        if (Environment.GetEnvironmentVariable("PGBIN") is { Length: > 0 } given)
        {
            return given;
        }

        var debian = new DirectoryInfo("/usr/lib/postgresql");
        var newest = debian.Exists
            ? debian.GetDirectories().Where(d => File.Exists(Path.Combine(d.FullName, "bin", "initdb")))
            .MaxBy(d => int.TryParse(d.Name, CultureInfo.InvariantCulture, out var n) ? n : 0)
            : null;
        return newest is null
            ? throw new InvalidOperationException(
                "no PostgreSQL found: run './dev test', which installs it, or set PGBIN to the folder of initdb and "
                    + "pg_ctl")
            : Path.Combine(newest.FullName, "bin");
    }
}
