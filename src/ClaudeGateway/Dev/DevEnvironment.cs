namespace ClaudeGateway.Dev;

/// <summary>The process's environment with what tools on a developer's own machine need: loopback is allowed, and never asked through a proxy.</summary>
internal static class DevEnvironment
{
    private const string Local = "localhost,127.0.0.1";

    public static ProcessEnvironment For(ProcessEnvironment environment)
    {
        var given = environment["NO_PROXY"] is { Length: > 0 } upper ? upper : environment["no_proxy"];
        return environment
            .With("CLAUDE_GATEWAY_ALLOW_LOOPBACK", "1")
            .With("NO_PROXY", string.IsNullOrEmpty(given) ? Local : $"{given},{Local}");
    }
}
