using ClaudeGateway.Admin;
using ClaudeGateway.Config;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary>
/// Turns e-mail addresses of a file into user ids, as the gateway itself would at each write: found out before the
/// first one, so that nothing is written of a file that names nobody.
/// </summary>
internal static class LimitUsers
{
    /// <summary>The limits by user id, or every address that is no one developer's.</summary>
    public static async Task<(IReadOnlyList<FileLimit> Limits, IReadOnlyList<ConfigProblem> Problems)> ResolveAsync(
        IReadOnlyList<FileLimit> limits,
        IReadOnlyList<StoredLimit> stored,
        AdminClient client,
        CancellationToken cancellation)
    {
        var problems = new List<ConfigProblem>();
        var resolved = new List<FileLimit>();
        var asIs = stored.Select(limit => limit.State).ToHashSet();
        var known = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var limit in limits)
        {
            var scope = limit.State.Target.Scope;
            // What is there under the address itself, from before it was known whose it is, stays as it is.
            if (scope.Type != SpendScopeType.User || !scope.Id.Contains('@', StringComparison.Ordinal)
                || asIs.Contains(limit.State))
            {
                resolved.Add(limit);
                continue;
            }

            if (!known.TryGetValue(scope.Id, out var users))
            {
                users = known[scope.Id] = await client.FindUsersAsync(scope.Id, cancellation);
            }

            if (users is [var one])
            {
                var target = limit.State.Target with { Scope = scope with { Id = one } };
                resolved.Add(limit with { State = limit.State with { Target = target } });
            }
            else if (users.Count == 0 && !NamedUsers.IsAddress(scope.Id))
            {
                resolved.Add(limit);
            }
            else
            {
                problems.Add(new ConfigProblem(
                    limit.Position,
                    limit.Path + ".scope.user_id",
                    users.Count == 0
                        ? $"nobody known at the gateway has the e-mail address {scope.Id}: give the user id (the sub "
                            + "of the sign-in), or let him sign in and send a message first"
                        : $"{users.Count} developers have the e-mail address {scope.Id}: give the user id of one of "
                            + $"them ({string.Join(", ", users)})"));
            }
        }

        problems.AddRange(LimitsFile.Duplicates(resolved));
        return (resolved, problems);
    }
}
