using ClaudeGateway.Config;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>Policies that can never apply because an earlier one takes everybody they are for.</summary>
internal static class OrderWarnings
{
    public static IEnumerable<string> Of(ManagedConfig managed, string file)
    {
        var policies = managed.Policies;
        for (var i = 1; i < policies.Count; i++)
        {
            if (CoveredBy(managed, i) is { } earlier)
            {
                var reason = policies[earlier].Match.IsCatchAll
                    ? $"managed.policies[{earlier}] before it matches everybody; move that to the end"
                    : $"everybody it matches is matched by managed.policies[{earlier}] before it";
                yield return PolicyWarnings.At(file, policies[i], i, "never applies: " + reason);
            }
        }
    }

    /// <summary>With <c>layered</c> every match counts, and only a catch-all ends the list.</summary>
    private static int? CoveredBy(ManagedConfig managed, int index)
    {
        for (var earlier = 0; earlier < index; earlier++)
        {
            var match = managed.Policies[earlier].Match;
            if (match.IsCatchAll
                || (managed.PolicyMode == PolicyMode.FirstMatch && Covers(match, managed.Policies[index].Match)))
            {
                return earlier;
            }
        }

        return null;
    }

    private static bool Covers(PolicyMatch wide, PolicyMatch narrow) =>
        (wide.Groups is null || (narrow.Groups is not null && narrow.Groups.All(wide.Groups.Contains)))
        && (wide.EmailDomain is null || wide.EmailDomain.Equals(narrow.EmailDomain,
            StringComparison.OrdinalIgnoreCase));
}
