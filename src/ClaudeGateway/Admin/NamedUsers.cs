using System.Buffers;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Admin;

/// <summary>
/// Whom an administrator means. Limits and spend go by the user id, the sub of the sign-in; people know each other by
/// their e-mail address. An id that is one keeps its meaning where a developer has it for his sub; else it stands for
/// whoever was last seen with that address.
/// </summary>
internal sealed class NamedUsers(SpendAccounts accounts)
{
    /// <summary>Names of the developers who share an address are told up to this many.</summary>
    private const int MaxTold = 5;

    /// <summary>With these identity providers join the parts of a sub, an address among them.</summary>
    private static readonly SearchValues<char> Joints = SearchValues.Create("|:/\\ \t");

    /// <summary>The one user id that is meant, or what to tell the caller.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<(string? UserId, string? Problem)> FindOneAsync(string userId)
    {
        if (!MayBeAddress(userId))
        {
            return (userId, null);
        }

        // Who was seen a moment ago may wait for the next round.
        await accounts.Sync.FlushAsync();
        return await FindAsync(userId) switch
        {
            [var one] => (one, null),
            [] when !IsAddress(userId) => (userId, null),
            [] => (null, "scope.user_id: nobody known here has this e-mail address. A limit goes by the user id, the "
                + "sub of the sign-in: 'claude-gateway spend top --search NAME' shows it for whoever has sent a "
                + "message; somebody new must sign in and send one first"),
            var several => (null, $"scope.user_id: {several.Count} developers have this e-mail address; give the user "
                + $"id of one of them: {string.Join(", ", several.Take(MaxTold))}"),
        };
    }

    /// <summary>Every user id that is meant; what nobody is known by stays as it is.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<IReadOnlyList<string>> FindAllAsync(IReadOnlyList<string> userIds)
    {
        if (!userIds.Any(MayBeAddress))
        {
            return userIds;
        }

        var found = new List<string>();
        foreach (var userId in userIds)
        {
            found.AddRange(MayBeAddress(userId) && await FindAsync(userId) is { Count: > 0 } meant ? meant : [userId]);
        }

        return [.. found.Distinct(StringComparer.Ordinal)];
    }

    private static bool MayBeAddress(string userId) => userId.Contains('@', StringComparison.Ordinal);

    /// <summary>Whether it can hardly be meant as anything else: one "@" before a host with a dot.</summary>
    public static bool IsAddress(string userId) =>
        userId.Split('@') is [{ Length: > 0 }, var host]
        && host.Split('.') is { Length: > 1 } labels
        && labels.All(label => label.Length > 0)
        && !userId.AsSpan().ContainsAny(Joints);

    private async Task<List<string>> FindAsync(string address) =>
        (await accounts.Principals.FindAsync([address])).ContainsKey(address)
            ? [address]
            : await accounts.Principals.FindByEmailAsync(address);
}
