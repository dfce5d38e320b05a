using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;
using ClaudeGateway.Telemetry;

namespace ClaudeGateway.Composition;

/// <summary>
/// What lives as long as the process and is shared by every <see cref="GatewaySnapshot"/>: connections, clocks, logs.
/// </summary>
internal sealed record ProcessParts
{
    public required ProcessEnvironment Environment { get; init; }

    public required TimeProvider Clock { get; init; }

    public required AuditLog Audit { get; init; }

    public required OperationalLog Log { get; init; }

    public required Database Database { get; init; }

    public required Readiness Readiness { get; init; }

    public required OutboundHttp Outbound { get; init; }

    public required Revocations Revocations { get; init; }

    public required RevocationStore RevocationStore { get; init; }

    public required RefreshesHere RefreshesHere { get; init; }

    public required SpendAccounts SpendAccounts { get; init; }

    public required MachineRegister Machines { get; init; }

    public required HttpMeters HttpMeters { get; init; }

    public required InferenceMeters InferenceMeters { get; init; }

    public required RelayMeters RelayMeters { get; init; }

    public required ConfigMeters ConfigMeters { get; init; }

    /// <summary>Whether the gateway itself serves HTTPS.</summary>
    public required bool TerminatesTls { get; init; }
}
