using System.Runtime.InteropServices;
using System.Threading.Channels;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Sources;

namespace ClaudeGateway.Cli;

/// <summary>
/// Runs the gateway until SIGTERM or SIGINT: then it drains, and a second signal cuts what is left (spec/newer.md,
/// signals).
/// </summary>
internal static class ServeCommand
{
    /// <param name="poll">As <c>--config-poll</c> gives it.</param>
    /// <param name="hangUps">Heard since the process began.</param>
    public static async Task<int> RunAsync(
        string? config, string? poll, HangUps hangUps, CancellationToken cancellation)
    {
        var environment = ProcessEnvironment.Current();
        try
        {
            var interval = ConfigPolling.ReadInterval(poll, config, environment);
            if (config is null || !ConfigUrl.IsUrl(config))
            {
                var result = Read(config, environment);
                return result.Config is null
                    ? Fail(result.Errors)
                    : await ServeAsync(
                        result,
                        new ConfigPolling(null, interval),
                        environment,
                        hangUps,
                        static () => { },
                        cancellation);
            }

            using var source = RemoteConfig.Open(config, environment, SystemClock.Instance);
            return await ServeRemoteAsync(source, interval, environment, hangUps, cancellation);
        }
        catch (OperatorException e)
        {
            return Fail([e.Message]);
        }
    }

    /// <summary>The file or URL; without either, the environment.</summary>
    public static async Task<ConfigReadResult> ReadAsync(
        string? config, ProcessEnvironment environment, CancellationToken cancellation)
    {
        if (config is null || !ConfigUrl.IsUrl(config))
        {
            return Read(config, environment);
        }

        try
        {
            using var source = RemoteConfig.Open(config, environment, SystemClock.Instance);
            var fetched = await source.FetchAtStartAsync(cancellation);
            return fetched.Read(environment);
        }
        catch (Exception e) when (e is OperatorException or ConfigFetchException)
        {
            return ConfigReadResult.Unreadable("", e.Message);
        }
    }

    /// <summary>
    /// The file that is named; without a name, the one that CLAUDE_GATEWAY_CONFIG says may be there (an image sets it);
    /// without that file, the environment.
    /// </summary>
    public static ConfigReadResult Read(string? configPath, ProcessEnvironment environment)
    {
        var usual = environment["CLAUDE_GATEWAY_CONFIG"] is { Length: > 0 } named ? named : null;
        return configPath is not null ? GatewayConfigReader.Read(configPath, environment)
            // A folder is there where a mount went wrong: that is said, and not passed over.
            : usual is not null && Path.Exists(usual) ? GatewayConfigReader.Read(usual, environment)
            : EnvironmentConfig.IsGiven(environment) ? EnvironmentConfig.Read(environment) with { AbsentFile = usual }
            : ConfigReadResult.Unreadable(
                "",
                (usual is null ? "--config is required" : $"{usual} does not exist and --config is not given")
                    + ": the path or URL of gateway.yaml (or set OIDC_ISSUER_URL, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, "
                    + "UPSTREAM_PROVIDER and DATABASE_URL; docs/configuration.md, Without a file)");
    }

    private static async Task<int> ServeRemoteAsync(
        RemoteConfig source,
        TimeSpan? poll,
        ProcessEnvironment environment,
        HangUps hangUps,
        CancellationToken cancellation)
    {
        try
        {
            // A signal during it ends the process at once: there is nothing to drain.
            var fetched = await source.FetchAtStartAsync(cancellation);
            var result = fetched.Read(environment);
            return result.Config is null
                ? Fail(result.Errors)
                : await ServeAsync(
                    result,
                    new ConfigPolling(new RemoteOrigin(source, fetched), poll),
                    environment,
                    hangUps,
                    static () => { },
                    cancellation);
        }
        catch (ConfigFetchException e)
        {
            return Fail([e.Message]);
        }
    }

    /// <param name="result">A configuration without problems.</param>
    /// <param name="polling">Null where the configuration never changes.</param>
    /// <param name="hangUps">What came before the gateway listens is obeyed as soon as it does.</param>
    /// <param name="ready">Called once the gateway listens.</param>
    public static async Task<int> ServeAsync(
        ConfigReadResult result,
        ConfigPolling? polling,
        ProcessEnvironment environment,
        HangUps hangUps,
        Action ready,
        CancellationToken cancellation)
    {
        var config = result.Config!;
        using var signals = new StopSignals();
        using var lines = new StderrLines();
        var log = new OperationalLog(
            lines, SystemClock.Instance, OperationalLog.LevelFromEnvironment(environment["CLAUDE_GATEWAY_LOG_LEVEL"]));
        using var meter = new GatewayMeter();
        var audit = new AuditLog(lines, meter, SystemClock.Instance);
        try
        {
            if (result.AbsentFile is { } file)
            {
                log.Info($"{file} does not exist: the environment is the configuration");
            }

            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, signals.First);
            await using var app = await GatewayApp.StartAsync(
                config, environment, SystemClock.Instance, audit, log, stop.Token);
            ready();
            using var reload = new ConfigReload(app, result, polling?.Origin, environment, SystemClock.Instance, log);
            await using var polls = polling?.Start(
                result.Path, () => reload.PollAsync(stop.Token), SystemClock.Instance, log);
            var reloads = reload.RunAsync(hangUps.Asked, stop.Token);
            await signals.WaitAsync(cancellation);
            log.Info($"stopping: open requests have {environment.DrainTimeout.TotalSeconds:0.###} s to finish");
            // A reload under way was cancelled by the same signal; the drain does not wait until it has noticed.
            await app.StopAsync(environment.DrainTimeout, signals.Second);
            await reloads;
        }
        catch (OperationCanceledException) when (signals.First.IsCancellationRequested)
        {
            log.Info("stopped before the gateway was ready");
        }
        catch (OperatorException e)
        {
            lines.Dispose();
            return Fail([e.Message]);
        }

        return 0;
    }

    /// <summary>
    /// Every problem on a line of its own; the last line names the problem, or says how many there are.
    /// </summary>
    public static int Fail(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems.Count > 1 ? problems : [])
        {
            Console.Error.WriteLine(problem);
        }

        Console.Error.WriteLine(
            problems.Count == 1
            ? $"claude gateway: {problems[0]}"
            : $"claude gateway: the configuration has {problems.Count} problems, listed above");
        return 1;
    }
}

/// <summary>
/// SIGHUP as requests to reload, several at once one. Made before anything else: until there is a handler, SIGHUP ends
/// a process. Heard also where whoever started the process ignores it (nohup), which the runtime would respect.
/// </summary>
internal sealed class HangUps : IDisposable
{
    private const int HangUp = 1; // SIGHUP

    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1)
    {
        FullMode = BoundedChannelFullMode.DropWrite,
    });
    private readonly PosixSignalRegistration _registration;

    public HangUps()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetHandler(HangUp, handler: 0); // SIG_DFL; a moment later the registration replaces it.
        }

        _registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            _requests.Writer.TryWrite(true);
        });
    }

    public ChannelReader<bool> Asked => _requests.Reader;

    public void Dispose() => _registration.Dispose();

#pragma warning disable SYSLIB1054 // The generated form would need unsafe code in the whole project.
    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetHandler(int signal, nint handler);
#pragma warning restore SYSLIB1054
}

/// <summary>SIGTERM and SIGINT as awaitable events; the process does not end by itself.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _first = new();
    private readonly TaskCompletionSource _firstArrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken First => _first.Token;

    /// <summary>Cancelled by the second signal, which gives up what the first one lets finish.</summary>
    public CancellationToken Second => _second.Token;

    public Task WaitAsync(CancellationToken cancellation) => _firstArrived.Task.WaitAsync(cancellation);

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_firstArrived.TrySetResult())
        {
            _first.Cancel();
        }
        else
        {
            _second.Cancel();
        }
    }
}
