using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Sources;

namespace ClaudeGateway.Cli;

/// <summary>
/// How often <c>serve</c> asks whether there is another version of its configuration: a URL always, a file when told
/// to.
/// </summary>
/// <param name="Origin">Null for a file.</param>
/// <param name="Interval">Null never.</param>
internal sealed record ConfigPolling(RemoteOrigin? Origin, TimeSpan? Interval)
{
    public const string Variable = "CLAUDE_GATEWAY_CONFIG_POLL_SECONDS";

    private const int DefaultSeconds = 30;
    private const int MaxSeconds = 24 * 60 * 60;

    /// <summary>In thousandths: replicas that started together do not ask together.</summary>
    private const int Jitter = 100;

    /// <param name="option">What the command line says; the environment counts without it.</param>
    /// <returns>Null for never.</returns>
    /// <exception cref="OperatorException">It is no number of seconds.</exception>
    public static TimeSpan? ReadInterval(string? option, string? config, ProcessEnvironment environment)
    {
        var given = option ?? (environment[Variable] is { Length: > 0 } variable ? variable : null);
        if (given is null)
        {
            return config is not null && ConfigUrl.IsUrl(config) ? TimeSpan.FromSeconds(DefaultSeconds) : null;
        }

        return int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= MaxSeconds
                ? seconds == 0 ? null : TimeSpan.FromSeconds(seconds)
                : throw new OperatorException(
                    $"{(option is null ? Variable : "--config-poll")}: must be whole seconds from 1 to {MaxSeconds}, or 0 "
                        + "for never");
    }

    /// <param name="path">The file, where it is one.</param>
    /// <returns>Null when nothing is asked.</returns>
    public BackgroundLoop? Start(string path, Func<Task> poll, TimeProvider clock, OperationalLog log)
    {
        var name = Origin?.Source.Name ?? path;
        if (Interval is not { } interval)
        {
            if (Origin is not null)
            {
                log.Info($"config: {name} is read again on SIGHUP alone");
            }

            return null;
        }

        var look = Origin is null ? "looked at" : "asked";
        log.Info($"config: {name} is {look} for another version every {interval.TotalSeconds} s");
        return BackgroundLoop.Start(
            cancellation => Task.Delay(Varied(interval), clock, cancellation),
            poll,
            "config: nobody knows whether there is another version",
            log);
    }

    private static TimeSpan Varied(TimeSpan interval) =>
        interval * RandomNumberGenerator.GetInt32(1000 - Jitter, 1000 + Jitter + 1) / 1000;
}
