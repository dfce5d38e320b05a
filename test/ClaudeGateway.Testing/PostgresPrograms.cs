using System.Diagnostics;

namespace ClaudeGateway.Testing;

/// <summary>PostgreSQL's own programs for backups, as an operator runs them.</summary>
internal static class PostgresPrograms
{
    /// <summary>Whether they are installed: a server that came through npm has none.</summary>
    public static bool AreThere => File.Exists(Path.Combine(PostgresServer.ProgramsFolder(), "pg_dump"));

    /// <summary>A database as statements that make it again.</summary>
    public static Task<byte[]> DumpAsync(string url) =>
        RunAsync("pg_dump", "--no-owner", "--no-privileges", "--inserts", "--dbname", url);

    /// <summary>A database in the format of <c>pg_restore</c>.</summary>
    public static Task BackUpAsync(string url, string file) =>
        RunAsync("pg_dump", "--format=custom", "--file", file, "--dbname", url);

    /// <summary>Into an empty database.</summary>
    public static Task RestoreAsync(string file, string url) =>
        RunAsync("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname", url, file);

    /// <returns>What it wrote to standard output.</returns>
    private static async Task<byte[]> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(PostgresServer.ProgramsFolder(), program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = System.Diagnostics.Process.Start(start)!;
        using var output = new MemoryStream();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.BaseStream.CopyToAsync(output).WaitAsync(Signal.Timeout);
        await process.WaitForExitAsync().WaitAsync(Signal.Timeout);
        return process.ExitCode == 0
            ? output.ToArray()
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}");
    }
}
