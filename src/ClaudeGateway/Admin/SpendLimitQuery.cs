using System.Buffers.Text;
using System.Globalization;
using System.Text;
using ClaudeGateway.Spend.Limits;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Admin;

/// <summary>
/// The query of GET spend_limits (spec/spend.md): pages by <c>after_id</c> and <c>before_id</c>, and as Anthropic's
/// SDKs turn them, by <c>page</c> with several <c>scope_type[]</c>.
/// </summary>
/// <param name="Types">Empty for all.</param>
/// <param name="After">The position of a page token.</param>
internal sealed record SpendLimitQuery(
    IReadOnlyList<SpendScopeType> Types, string? AfterId, string? BeforeId, long? After, int Limit)
{
    private const int DefaultLimit = 20;
    private const string TokenKind = "position ";

    public static (SpendLimitQuery? Query, string? Problem) Read(IQueryCollection query)
    {
        if (query.Limit(DefaultLimit) is not { } limit)
        {
            return (null, AdminQuery.LimitProblem);
        }

        var types = new List<SpendScopeType>();
        foreach (var name in (string?[])[.. query.All("scope_type").Take(1), .. query.All("scope_type[]")])
        {
            if (SpendScope.ParseType(name) is not { } type)
            {
                return (null, "scope_type: must be one of organization, rbac_group, user");
            }

            types.Add(type);
        }

        if (query.First("workspace_id") is not null)
        {
            // Left out, it would let a script that means one workspace change everything.
            return (null, "workspace_id: there are no workspaces here");
        }

        var (after, before, page) = (query.First("after_id"), query.First("before_id"), query.First("page"));
        if (after is not null && before is not null)
        {
            return (null, "after_id and before_id are mutually exclusive");
        }

        if (page is not null && (after ?? before) is not null)
        {
            return (null, $"page and {(after is null ? "before_id" : "after_id")} are mutually exclusive");
        }

        var position = page is null ? null : ReadToken(page);
        return page is not null && position is null
            ? (null, "page: invalid page token")
            : (new SpendLimitQuery(types, after, before, position, limit), null);
    }

    /// <summary>What continues behind a limit, also when it is deleted meanwhile.</summary>
    public static string Token(SpendLimit last) => Base64Url.EncodeToString(
        Encoding.ASCII.GetBytes(TokenKind + last.Position.ToString(CultureInfo.InvariantCulture)));

    private static long? ReadToken(string token) =>
        Base64Url.IsValid(token)
        && Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token)) is var text
        && text.StartsWith(TokenKind, StringComparison.Ordinal)
        && long.TryParse(
            text.AsSpan(TokenKind.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position
            : null;
}
