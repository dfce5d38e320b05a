using System.Threading.Channels;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Composition;

/// <summary>
/// SIGHUP: the file is read again, checked whole and put in force at once, or refused with its errors while the old
/// configuration stays. What cannot change in a running process is named and kept.
/// </summary>
internal sealed class ConfigReload(GatewayApp app, ConfigReadResult inForce, ProcessEnvironment environment, OperationalLog log)
{
    /// <summary>Bound to the socket and the connections that are open; <c>public_url</c> is in every token and registered at the identity provider.</summary>
    private static readonly (string Section, string[] Keys)[] Fixed =
    [
        ("listen", ["host", "port", "public_url", "tls"]),
        ("store", ["postgres_url", "sqlite_path", "username", "password", "max_connections", "connect_timeout_seconds", "readiness_grace_seconds"]),
    ];

    private readonly GatewayConfig _first = inForce.Config!;

    /// <summary>Reloads whenever asked, one after the other, until <paramref name="stop"/>.</summary>
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

    public async Task<bool> ReloadAsync(CancellationToken cancellation)
    {
        if (inForce.DescribeProblem is not null)
        {
            log.Warn("SIGHUP: the gateway was started from environment variables, which cannot change; nothing is reloaded");
            return false;
        }

        var result = GatewayConfigReader.Read(_first.Path, environment);
        if (result.Config is not { } config)
        {
            return Refuse(result.Errors);
        }

        try
        {
            await app.ReloadAsync(config with { Store = _first.Store, Listen = _first.Listen with { TrustedProxies = config.Listen.TrustedProxies } }, cancellation);
        }
        catch (OperatorException e)
        {
            return Refuse([e.Message]);
        }

        log.Info($"SIGHUP: {config.Path} is in force; requests that had begun end with the configuration they began with");
        foreach (var path in Unchangeable(result))
        {
            log.Warn($"SIGHUP: {path} was changed but cannot change in a running gateway; restart it to use the new value");
        }

        BootReport.Write(config, environment, log);
        return true;
    }

    private bool Refuse(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            log.Error($"SIGHUP: {problem}");
        }

        log.Error($"SIGHUP: {_first.Path} was not put in force; the configuration that was in force stays");
        return false;
    }

    private IEnumerable<string> Unchangeable(ConfigReadResult next) =>
        from section in Fixed
        from key in section.Keys
        where !string.Equals(Text(inForce, section.Section, key), Text(next, section.Section, key), StringComparison.Ordinal)
        select $"{section.Section}.{key}";

    private static string? Text(ConfigReadResult result, string section, string key) =>
        ((result.Root as ConfigMap)?.Find(section) as ConfigMap)?.Find(key) is { } node ? PolicyJson.ToNode(node)?.ToJsonString() ?? "null" : null;
}
