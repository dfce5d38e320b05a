using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Admin;

/// <summary>What <see cref="AdminFeature"/> is made of.</summary>
internal sealed record AdminParts
{
    public required AdminConfig Config { get; init; }

    public required SpendFeature Spend { get; init; }

    public required RequireSession Session { get; init; }

    public required RevocationStore Revocations { get; init; }

    public required MachineRegister Machines { get; init; }

    public required ManagedPolicies Policies { get; init; }

    public required TimeProvider Clock { get; init; }

    public required AuditLog Audit { get; init; }
}
