namespace ClaudeGateway.Process;

/// <summary>
/// The environment variables the gateway itself reads, taken once at start so that tests can pass their own.
/// </summary>
internal sealed class ProcessEnvironment(IReadOnlyDictionary<string, string> variables)
{
    public static ProcessEnvironment Current()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return new ProcessEnvironment(variables);
    }

    /// <summary>
    /// Whether a switch is on: 1, true, yes or on in any letter case (measured on the reference 2.1.332); anything else
    /// is off.
    /// </summary>
    public static bool IsTrue(string? value) => value?.Trim().ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON";

    /// <summary>The same variables with one more or another value.</summary>
    public ProcessEnvironment With(string name, string value) => new(new Dictionary<string, string>(variables)
    {
        [name] = value,
    });

    /// <summary>
    /// The same variables for a tool on somebody's own machine: connections to that machine are allowed, and go past
    /// any proxy.
    /// </summary>
    public ProcessEnvironment ForOwnMachine()
    {
        const string own = "localhost,127.0.0.1";
        var given = this["NO_PROXY"] is { Length: > 0 } upper ? upper : this["no_proxy"];
        return With("CLAUDE_GATEWAY_ALLOW_LOOPBACK", "1")
            .With("NO_PROXY", string.IsNullOrEmpty(given) ? own : $"{given},{own}");
    }

    public string? this[string name] => variables.GetValueOrDefault(name);

    /// <summary>CLAUDE_GATEWAY_ALLOW_LOOPBACK: whether outbound connections may go to this machine.</summary>
    public bool AllowLoopback => IsTrue(this["CLAUDE_GATEWAY_ALLOW_LOOPBACK"]);

    /// <summary>
    /// CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS: how long open requests may go on after SIGTERM; 25 seconds unless a positive
    /// number.
    /// </summary>
    public TimeSpan DrainTimeout =>
        int.TryParse(
            this["CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS"],
            System.Globalization.CultureInfo.InvariantCulture,
            out var ms) && ms > 0
        ? TimeSpan.FromMilliseconds(ms)
        : TimeSpan.FromSeconds(25);
}
