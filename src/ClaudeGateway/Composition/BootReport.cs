using System.Globalization;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Warnings;
using ClaudeGateway.Process;

namespace ClaudeGateway.Composition;

/// <summary>
/// What boot tells the operator about the configuration in force (spec/config.md, Boot lines and Boot warnings).
/// </summary>
internal static class BootReport
{
    private static readonly string[] Banner =
    [
        "┌──────────────────────────────────────────────────────────────────────────┐",
        "│  claude-gateway                                                          │",
        "│                                                                          │",
        "│  The settings this gateway serves can run commands on the machines of    │",
        "│  everybody who signs in. Keep it inside your network: it must not be     │",
        "│  reachable from the public internet.                                     │",
        "└──────────────────────────────────────────────────────────────────────────┘",
    ];

    /// <summary>
    /// What a reader of the log must not miss, whatever its level (the reference prints one since 2.1.329).
    /// </summary>
    public static void WriteBanner(OperationalLog log) => log.Box(Banner);

    public static void Write(
        GatewayConfig config, ProcessEnvironment environment, TimeProvider clock, OperationalLog log)
    {
        foreach (var line in Lines(config))
        {
            log.Info(line);
        }

        if (RetirementWarnings.News(config, DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime)) is { } news)
        {
            log.Info(news);
        }

        WriteWarnings(config, environment, clock, log);
    }

    public static void WriteWarnings(
        GatewayConfig config, ProcessEnvironment environment, TimeProvider clock, OperationalLog log)
    {
        try
        {
            foreach (var warning in ConfigAdvice.For(config, environment, clock))
            {
                log.Warn(warning);
            }
        }
        catch (OperatorException e)
        {
            // An unusable environment, which stops a start by itself; after a reload it is news.
            log.Debug($"no advice on the configuration: {e.Message}");
        }
    }

    private static IEnumerable<string> Lines(GatewayConfig config)
    {
        if (config.Listen.PublicUrl is { } publicUrl)
        {
            yield return $"public_url {publicUrl}";
        }

        else if (config.Listen.ServesLoopbackNamesOnly)
        {
            yield return "public_url: PUBLIC_URL is not set, so only requests for localhost are served (a port on "
                + "one's own machine); other names are told to set it to the address that developers use";
        }

        var proxies = config.Listen.TrustedProxies.Count;
        yield return proxies == 0
            ? "client IPs: TCP peer address (listen.trusted_proxies empty)"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"client IPs: X-Forwarded-For via listen.trusted_proxies ({proxies} "
                    + $"{(proxies == 1 ? "entry" : "entries")})");
        yield return $"oidc issuer {config.Oidc.IssuerText}";
        yield return $"email domains {ListOr(config.Oidc.AllowedEmailDomains)}";
        yield return $"allowed groups {ListOr(config.Oidc.AllowedGroups)}";
        yield return $"upstreams {config.Upstreams.Count}: {string.Join(", ", config.Upstreams.Select(Describe))}";
        yield return $"telemetry relay: {Telemetry(config.Telemetry)}";
        yield return $"managed settings: {(config.Managed is null ? "not configured" : "configured")}";
        yield return config.Limits.MaxUpstreamRequests is { } most
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"upstream requests: at most {most} at one time; further ones wait their turn")
            : "upstream requests: no limit of the gateway's own";
    }

    private static string ListOr(IReadOnlyList<string> entries) =>
        entries.Count == 0 ? "(unrestricted)" : string.Join(", ", entries);

    private static string Describe(UpstreamConfig upstream) =>
        upstream.Groups is null
        ? $"{upstream.Name}({upstream.Provider})"
        : $"{upstream.Name}({upstream.Provider}, groups: {string.Join(", ", upstream.Groups)})";

    private static string Telemetry(TelemetryConfig? telemetry)
    {
        var destinations = telemetry?.ForwardTo ?? [];
        if (destinations.Count == 0)
        {
            return "not configured";
        }

        var signals = new[] { ("metrics", destinations.Any(to => to.Metrics)),
            ("logs", destinations.Any(to => to.Logs)), ("traces", destinations.Any(to => to.Traces)) };
        return $"{destinations.Count} destination(s), signals enabled: "
            + $"{string.Join(",", signals.Where(signal => signal.Item2).Select(signal => signal.Item1))}";
    }
}
