namespace ClaudeGateway.Spend.Limits;

internal enum SpendScopeType
{
    User,
    RbacGroup,
    Organization,
}

/// <summary>
/// Whom a cap is set for. A cap of a group or of the organization holds for each developer by himself, not for all
/// together.
/// </summary>
/// <param name="Id">The developer's sub or the group's name; empty for the organization.</param>
internal readonly record struct SpendScope(SpendScopeType Type, string Id)
{
    public static readonly SpendScope Organization = new(SpendScopeType.Organization, "");

    public string TypeName => TypeNameOf(Type);

    /// <summary>Whether a cap of this scope and period may have a shared budget.</summary>
    public bool CanHavePool(SpendPeriod period) => Type == SpendScopeType.RbacGroup && period == SpendPeriod.Monthly;

    public static string TypeNameOf(SpendScopeType type) => type switch
    {
        SpendScopeType.User => "user",
        SpendScopeType.RbacGroup => "rbac_group",
        _ => "organization",
    };

    public static SpendScopeType? ParseType(string? name) => name switch
    {
        "user" => SpendScopeType.User,
        "rbac_group" => SpendScopeType.RbacGroup,
        "organization" => SpendScopeType.Organization,
        _ => null,
    };
}

/// <summary>A stored cap (spec/spend.md, POST).</summary>
/// <param name="Position">Grows with creation; the order of lists.</param>
/// <param name="AmountCents">Null means unlimited: it hides the caps that would hold otherwise.</param>
/// <param name="Pool">Only on a group's monthly cap: the budget all its members share; null when it was never
/// set.</param>
internal sealed record SpendLimit(
    string Id,
    long Position,
    SpendScope Scope,
    SpendPeriod Period,
    long? AmountCents,
    PooledBudget? Pool,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public bool CanHavePool => Scope.CanHavePool(Period);
}

/// <summary>The budget a group shares for a month. Without an amount only the pause is remembered.</summary>
internal sealed record PooledBudget(long? AmountCents, bool IsPaused);
