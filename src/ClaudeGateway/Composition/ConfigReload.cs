using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Composition;

/// <summary>
/// SIGHUP: the file is read again, checked whole and put in force at once, or refused with its errors while the old
/// configuration stays. Keys that cannot change in a running process say so themselves
/// (<see cref="Config.Shapes.Key.NeedsRestart"/>); they are named and keep the value they began with.
/// </summary>
internal sealed class ConfigReload(
    GatewayApp app, ConfigReadResult inForce, ProcessEnvironment environment, TimeProvider clock, OperationalLog log)
{
    private readonly string _path = inForce.Path;

    /// <summary>
    /// Reloads whenever asked, one after the other, until <paramref name="stop"/>. Never throws: whatever a reload
    /// fails of, the next one may come.
    /// </summary>
    public async Task RunAsync(ChannelReader<bool> asked, CancellationToken stop)
    {
        try
        {
            await foreach (var _ in asked.ReadAllAsync(stop))
            {
                await ReloadAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    /// <summary>Whether the file is in force.</summary>
    /// <exception cref="OperationCanceledException">The gateway stops; nothing else is thrown.</exception>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "The configuration in force must survive whatever the new one meets.")]
    public async Task<bool> ReloadAsync(CancellationToken cancellation)
    {
        if (inForce.DescribeProblem is not null)
        {
            log.Warn(
                "SIGHUP: the gateway was started from environment variables, which cannot change; nothing is reloaded");
            return false;
        }

        GatewayConfig config;
        ConfigReadResult result;
        try
        {
            result = GatewayConfigReader.Read(_path, environment, inForce);
            if (result.Config is null)
            {
                return Refuse(result.Errors);
            }

            config = result.Config;
            await app.ReloadAsync(config, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (OperatorException e)
        {
            return Refuse([e.Message]);
        }
        catch (Exception e)
        {
            return Refuse([$"{e.GetType().Name}: {e.Message}"]);
        }

        log.Info(
            $"SIGHUP: {config.Path} is in force; requests that had begun end with the configuration they began with");
        foreach (var path in result.NeedRestart)
        {
            log.Warn(
                $"SIGHUP: {path} was changed but cannot change in a running gateway; restart it to use the new value");
        }

        Report(config);
        app.Reloaded(isInForce: true);
        return true;
    }

    /// <summary>The configuration is in force already: what goes wrong here is no reason to say otherwise.</summary>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "A report never ends reloading.")]
    private void Report(GatewayConfig config)
    {
        try
        {
            BootReport.Write(config, environment, clock, log);
        }
        catch (Exception e)
        {
            log.Error($"SIGHUP: the report on {config.Path} failed: {e.GetType().Name}: {e.Message}");
        }
    }

    private bool Refuse(IReadOnlyList<string> problems)
    {
        app.Reloaded(isInForce: false);
        foreach (var problem in problems)
        {
            log.Error($"SIGHUP: {problem}");
        }

        log.Error($"SIGHUP: {_path} was not put in force; the configuration that was in force stays");
        return false;
    }
}
