using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin;

/// <summary>Whose cap a command means: exactly one of a user, a group and the organization.</summary>
internal sealed record LimitTarget(SpendScope Scope, SpendPeriod Period)
{
    /// <summary>The API takes 18 digits of cents.</summary>
    private const int MaxDollarDigits = 16;

    /// <exception cref="OperatorException">None or several are named.</exception>
    public static LimitTarget From(string? user, string? group, bool isOrganization, string period)
    {
        SpendScope[] named =
        [
            .. user is null ? (SpendScope[])[] : [new SpendScope(SpendScopeType.User, user)],
            .. group is null ? (SpendScope[])[] : [new SpendScope(SpendScopeType.RbacGroup, group)],
            .. isOrganization ? (SpendScope[])[SpendScope.Organization] : [],
        ];
        return named.Length == 1
            ? new LimitTarget(named[0], SpendPeriods.Parse(period)!.Value)
            : throw new OperatorException("name exactly one of --user, --group and --organization");
    }

    public JsonObject ToJson()
    {
        var scope = new JsonObject { ["type"] = Scope.TypeName };
        if (Scope.Type != SpendScopeType.Organization)
        {
            scope[Scope.Type == SpendScopeType.User ? "user_id" : "rbac_group_id"] = Scope.Id;
        }

        return new JsonObject { ["scope"] = scope, ["period"] = Period.Name() };
    }

    public bool Matches(JsonElement limit)
    {
        var scope = limit.GetProperty("scope");
        var id = scope.TryGetProperty("user_id", out var user)
            ? user.GetString() : scope.TryGetProperty("rbac_group_id", out var group) ? group.GetString()
            : "";
        return scope.GetProperty("type").GetString() == Scope.TypeName && id == Scope.Id
            && limit.GetProperty("period").GetString() == Period.Name();
    }

    public static bool IsOfUser(JsonElement limit, string userId) =>
        limit.GetProperty("scope").TryGetProperty("user_id", out var user) && user.GetString() == userId;

    /// <summary>
    /// Dollars as people write them, in the API's cents. A comma is refused: it parts thousands for some and cents for
    /// others, and a limit a hundred times too high is found late.
    /// </summary>
    /// <param name="option">What the amount was given for.</param>
    /// <exception cref="OperatorException">It is no amount.</exception>
    public static string Cents(string dollars, string option)
    {
        var text = dollars.Trim();
        text = text.StartsWith('$') ? text[1..] : text;
        if (text.Contains(',', StringComparison.Ordinal))
        {
            throw new OperatorException(
                $"{option}: '{dollars}' has a comma, which may mean thousands or cents: write 1210 or 12.10");
        }

        // Digit by digit: no number type in between could round.
        var parts = text.Split('.');
        var whole = parts[0].TrimStart('0');
        var cents = parts.Length == 2 ? parts[1].TrimEnd('0') : "";
        var isAmount = parts.Length <= 2
            && text.Length > parts.Length - 1
            && whole.Length <= MaxDollarDigits
            && cents.Length <= 2
            && parts.All(part => part.All(char.IsAsciiDigit));
        return !isAmount
            ? throw new OperatorException(
                $"{option}: '{dollars}' is not an amount in dollars, such as 250 or 12.50")
            : (whole + cents.PadRight(2, '0')).TrimStart('0') is { Length: > 0 } digits ? digits : "0";
    }
}
