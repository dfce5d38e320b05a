using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Composition;

/// <summary>
/// What lives as long as the process and is shared by every <see cref="GatewaySnapshot"/>: connections, clocks, logs.
/// </summary>
/// <param name="TerminatesTls">Whether the gateway itself serves HTTPS.</param>
internal sealed record ProcessParts(
    ProcessEnvironment Environment,
    TimeProvider Clock,
    AuditLog Audit,
    OperationalLog Log,
    Database Database,
    Readiness Readiness,
    OutboundHttp Outbound,
    Revocations Revocations,
    RevocationStore RevocationStore,
    SpendAccounts SpendAccounts,
    MachineRegister Machines,
    bool TerminatesTls);
