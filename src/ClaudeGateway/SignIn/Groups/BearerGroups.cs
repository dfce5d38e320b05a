using System.Text;
using ClaudeGateway.Config;

namespace ClaudeGateway.SignIn.Groups;

/// <summary>
/// Which of somebody's groups his bearer holds. It is a header of every request, and headers are bounded: so all that
/// the IdP names as long as the gateway's own server takes them, and all that Microsoft Graph names as long as they
/// take no more room than the 200 object ids that Entra puts into a token. Of more only those that gateway.yaml or a
/// spend limit names, which are all that anything is decided by.
/// </summary>
/// <param name="hasLimit">Whether a group has a spend limit or a shared budget now.</param>
internal sealed class BearerGroups(GatewayConfig config, Func<string, bool> hasLimit)
{
    /// <summary>Makes a bearer of 11 KB, which most balancers let pass.</summary>
    private const int RoomOfGraphBytes = 8 * 1024;

    /// <summary>Makes a bearer of 215 KiB; all headers of a request may have 256 KiB (spec/newer.md).</summary>
    private const int RoomBytes = 160 * 1024;

    private readonly HashSet<string> _named =
    [
        .. config.Oidc.AllowedGroups,
        .. config.Managed?.Policies.SelectMany(policy => policy.Match.Groups ?? []) ?? [],
        .. config.Upstreams.SelectMany(upstream => upstream.Groups ?? []),
        .. config.Admin?.AdminGroups ?? [],
    ];

    /// <summary>The same list when all have room.</summary>
    /// <param name="areOfGraph">Whether they come of <c>oidc.entra_groups</c>.</param>
    /// <returns>Null when those that are named have no room either.</returns>
    public IReadOnlyList<string>? Select(IReadOnlyList<string> groups, bool areOfGraph)
    {
        if (Bytes(groups) <= (areOfGraph ? RoomOfGraphBytes : RoomBytes))
        {
            return groups;
        }

        List<string> named = [.. groups.Where(group => _named.Contains(group) || hasLimit(group)).Distinct()];
        return Bytes(named) <= RoomBytes ? named : null;
    }

    /// <summary>As a JSON list, but for what is escaped in it.</summary>
    private static int Bytes(IEnumerable<string> groups) =>
        groups.Sum(static group => Encoding.UTF8.GetByteCount(group) + "\"\",".Length);
}
