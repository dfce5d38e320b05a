using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Http.Serving;

/// <summary>What <see cref="RequestPipeline"/> asks of one configuration.</summary>
internal sealed record RequestPipelineParts
{
    public required Routes Routes { get; init; }

    public required ClientAddress ClientAddress { get; init; }

    public required AccessControl AccessControl { get; init; }

    public required RequestLimits Limits { get; init; }

    public required LoopbackNames Names { get; init; }

    public required RequireSession Session { get; init; }

    /// <summary>Whether the gateway itself serves HTTPS.</summary>
    public required bool TerminatesTls { get; init; }

    public required HttpMeters Meters { get; init; }

    public required TimeProvider Clock { get; init; }

    public required AuditLog Audit { get; init; }

    public required OperationalLog Log { get; init; }
}
