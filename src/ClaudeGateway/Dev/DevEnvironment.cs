namespace ClaudeGateway.Dev;

/// <summary>The process's environment with what tools on a developer's own machine need: loopback is allowed, and never asked through a proxy.</summary>
internal static class DevEnvironment
{
    private const string Local = "localhost,127.0.0.1,[::1],::1";

    private static readonly string[] Names = ["NO_PROXY", "no_proxy"];

    public static ProcessEnvironment For(ProcessEnvironment environment)
    {
        var variables = new Dictionary<string, string>(environment.Variables) { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" };
        foreach (var name in Names)
        {
            variables[name] = variables.TryGetValue(name, out var given) && given.Length > 0 ? $"{given},{Local}" : Local;
        }

        return new ProcessEnvironment(variables);
    }
}
