using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>The program as its users start it: its own process, arguments, environment and standard streams.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly string Dotnet = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal)
        ? Environment.ProcessPath
        : "dotnet";

    private readonly System.Diagnostics.Process _process;
    private readonly Task _pumps;

    private GatewayProcess(System.Diagnostics.Process process)
    {
        _process = process;
        _pumps = Task.WhenAll(PumpAsync(process.StandardOutput, Output), PumpAsync(process.StandardError, Errors));
    }

    /// <summary>Lines of standard output.</summary>
    public CapturedLog Output { get; } = new();

    /// <summary>Lines of standard error: audit events and log.</summary>
    public CapturedLog Errors { get; } = new();

    public int Id => _process.Id;

    /// <param name="environment">On top of PATH, HOME and DOTNET_ROOT alone.</param>
    public static GatewayProcess Start(
        string folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        Start(folder, environment, [Dotnet], arguments);

    /// <summary>As <c>nohup</c> starts it: with SIGHUP ignored.</summary>
    public static GatewayProcess StartIgnoringHangUps(
        string folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        Start(folder, environment, ["sh", "-c", """trap '' HUP; exec "$0" "$@" """, Dotnet], arguments);

    /// <summary>Another program than the one under test.</summary>
    /// <param name="program">A claude-gateway.dll.</param>
    public static GatewayProcess StartProgram(
        string program, string folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        Start(folder, environment, [Dotnet], arguments, program);

    private static GatewayProcess Start(
        string folder,
        IReadOnlyDictionary<string, string>? environment,
        string[] command,
        string[] arguments,
        string? program = null)
    {
        var start = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        program ??= Path.Combine(AppContext.BaseDirectory, "claude-gateway.dll");
        foreach (var argument in (string[])[.. command[1..], program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME" or "DOTNET_ROOT"))
            .ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = System.Diagnostics.Process.Start(start)!;
        process.StandardInput.Close();
        return new GatewayProcess(process);
    }

    /// <summary>The exit code, once the process has ended by itself.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Signal.Timeout);
        await _pumps.WaitAsync(Signal.Timeout);
        return _process.ExitCode;
    }

    /// <summary>Asks it to stop, as an orchestrator does.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("-TERM");
        return await ExitCodeAsync();
    }

    /// <summary>Asks it to read its configuration again.</summary>
    public Task HangUpAsync() => SignalAsync("-HUP");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        await Output.DisposeAsync();
        await Errors.DisposeAsync();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = System.Diagnostics.Process.Start(
            "kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().WaitAsync(Signal.Timeout);
    }

    private static async Task PumpAsync(StreamReader reader, CapturedLog log)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            log.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{line}\n")));
        }
    }
}
