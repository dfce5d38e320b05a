using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Admin;

/// <summary>Query parameters as the admin API reads them: of a repeated one the first counts, unknown ones are ignored.</summary>
internal static class AdminQuery
{
    public const string LimitProblem = "limit: must be between 1 and 1000";

    private const int MaxLimit = 1000;

    /// <summary>The first value, or null without the parameter.</summary>
    public static string? First(this IQueryCollection query, string name) => query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] ?? "" : null;

    /// <summary>The page size, or null when it is not a whole number from 1 to 1000.</summary>
    public static int? Limit(this IQueryCollection query, int otherwise) =>
        query.First("limit") is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MaxLimit ? limit
        : null;
}
