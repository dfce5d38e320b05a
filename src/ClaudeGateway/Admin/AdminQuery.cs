using ClaudeGateway.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Admin;

/// <summary>
/// Query parameters as the admin API reads them: of a repeated one the first counts, unknown ones are ignored.
/// </summary>
internal static class AdminQuery
{
    public const string LimitProblem = "limit: must be between 1 and 1000";

    private const int MaxLimit = 1000;

    /// <summary>The first value, or null without the parameter.</summary>
    public static string? First(this IQueryCollection query, string name) =>
        query.All(name) is [var first, ..] ? first ?? "" : null;

    /// <summary>Every value of a parameter of exactly this spelling: ASP.NET would take any letter case.</summary>
    public static StringValues All(this IQueryCollection query, string name)
    {
        foreach (var (key, values) in query)
        {
            if (key == name)
            {
                return values;
            }
        }

        return StringValues.Empty;
    }

    /// <summary>
    /// The page size, or null when it is not a whole number from 1 to 1000, written in any way JavaScript reads one.
    /// </summary>
    public static int? Limit(this IQueryCollection query, int otherwise) =>
        query.First("limit") is not { } text ? otherwise
        : JavaScriptNumber.Parse(text.Trim()) is { } limit and >= 1 and <= MaxLimit && limit == Math.Floor(limit)
        ? (int)limit
        : null;
}
