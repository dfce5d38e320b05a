using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn.Claims;

/// <summary>
/// Reads groups at <c>oidc.groups_jsonpath</c> (spec/newest.md, auth). Claims of any shape give groups or none, never
/// an error.
/// </summary>
internal static class GroupsAtPath
{
    /// <summary>
    /// Texts at the path's end and texts in lists there, empty ones left out, in order and not de-duplicated.
    /// </summary>
    public static IReadOnlyList<string> Find(JsonElement claims, ClaimPath path)
    {
        var groups = new List<string>();
        foreach (var found in Walk(claims, path.Steps))
        {
            if (found.ValueKind == JsonValueKind.Array)
            {
                groups.AddRange(found.EnumerateArray()
                    .Select(static value => value.Text())
                    .OfType<string>()
                    .Where(static name => name.Length > 0));
            }
            else if (found.Text() is { Length: > 0 } group)
            {
                groups.Add(group);
            }
        }

        return groups;
    }

    /// <summary>
    /// Whether the names before the first <c>[*]</c> or filter lead to a value: an empty list, or one without a match,
    /// is the IdP's answer that there are no groups, and not a claim it left out.
    /// </summary>
    public static bool IsPresent(JsonElement claims, ClaimPath path) =>
        Walk(claims, path.Steps.TakeWhile(step => step is ClaimStep.Member)).Count > 0;

    private static IReadOnlyList<JsonElement> Walk(JsonElement claims, IEnumerable<ClaimStep> steps)
    {
        IReadOnlyList<JsonElement> values = [claims];
        foreach (var step in steps)
        {
            values = [.. Follow(values, step)];
        }

        return values;
    }

    private static IEnumerable<JsonElement> Follow(IEnumerable<JsonElement> values, ClaimStep step) => step switch
    {
        ClaimStep.Member member =>
            values.Where(value => value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty(member.Name, out _)).Select(value => value.GetProperty(member.Name)),
        ClaimStep.Each => values.SelectMany(Children),
        ClaimStep.Where filter => values.SelectMany(Children).Where(child => Matches(child, filter)),
        _ => throw new InvalidOperationException("unknown step"),
    };

    private static IEnumerable<JsonElement> Children(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray(),
        JsonValueKind.Object => value.EnumerateObject().Select(member => member.Value),
        _ => [],
    };

    private static bool Matches(JsonElement child, ClaimStep.Where filter) =>
        child.ValueKind == JsonValueKind.Object && child.TryGetProperty(filter.Name, out var value)
        && value.ValueKind == JsonValueKind.String && value.ValueEquals(filter.Text);
}
