namespace ClaudeGateway.Settings;

/// <summary>
/// How a policy's value of one key meets the base's: the schema's <c>x-merge</c> (spec/policy.md, Merge).
/// </summary>
internal enum MergeRule
{
    /// <summary>The policy's value stands alone.</summary>
    Replace,

    /// <summary>Lists: the base's entries first, equal ones once; an empty list keeps the base's.</summary>
    Union,

    /// <summary>Maps: the policy's keys win, the base's others stay.</summary>
    Shallow,

    /// <summary>Maps of lists: a union for each key.</summary>
    UnionPerKey,

    /// <summary>
    /// <c>permissions</c>: the keys <c>deny</c> and <c>ask</c> are unions, the others replaced one by one.
    /// </summary>
    Permissions,

    /// <summary><c>builtinToolPolicy</c>: a tool the base restricts stays as the base says.</summary>
    BaseRestricts,
}
