namespace ClaudeGateway.Settings;

/// <summary>
/// The words of the settings schemas for a <see cref="MergeRule"/> (<c>x-merge</c>); a key without one is replaced.
/// </summary>
internal static class MergeRules
{
    private static readonly (string Name, MergeRule Rule)[] Known =
    [
        ("union", MergeRule.Union),
        ("shallow", MergeRule.Shallow),
        ("union per event", MergeRule.UnionPerKey),
        ("per key; deny and ask union", MergeRule.Permissions),
        ("per tool; the base wins unless it says allow", MergeRule.BaseRestricts),
    ];

    public static IEnumerable<string> Names => Known.Select(rule => rule.Name);

    public static MergeRule? Find(string name) =>
        Known.Where(rule => string.Equals(rule.Name, name, StringComparison.Ordinal))
        .Select(rule => (MergeRule?)rule.Rule).FirstOrDefault();
}
