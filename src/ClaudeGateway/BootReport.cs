using ClaudeGateway.Config;
using ClaudeGateway.Logging;

namespace ClaudeGateway;

/// <summary>What boot tells the operator about the configuration in force (spec/config.md, Boot lines and Boot warnings).</summary>
internal static class BootReport
{
    public static void Write(GatewayConfig config, OperationalLog log)
    {
        foreach (var warning in config.Warnings)
        {
            log.Warn(warning);
        }
    }
}
