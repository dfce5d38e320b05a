namespace ClaudeGateway.Spend.Limits;

/// <summary>One line of the audit trail of caps; the caps are kept as the JSON they were then.</summary>
/// <param name="Reason">Null for a change by the admin API.</param>
internal sealed record SpendAuditEntry(
    long Id,
    DateTimeOffset CreatedAt,
    string Actor,
    string Action,
    string TargetId,
    string? Before,
    string? After,
    string? Reason = null);
