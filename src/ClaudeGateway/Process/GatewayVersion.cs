namespace ClaudeGateway.Process;

/// <summary>The version of this build, e.g. <c>0.1.0</c>.</summary>
internal static class GatewayVersion
{
    public static readonly string Text = typeof(GatewayVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
