using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Admin;

/// <summary>Where a page of developers begins: behind this one in the chosen order.</summary>
/// <param name="NanoCents">What he had spent; null when the order is by name.</param>
internal sealed record EffectiveCursor(string Sub, long? NanoCents);

/// <summary>The query of GET /effective (spec/spend.md).</summary>
/// <param name="Subs">Null unless certain developers are asked for.</param>
internal sealed record EffectiveQuery(
    IReadOnlyList<SpendPeriod> Periods,
    IReadOnlyList<string>? Subs,
    string? Search,
    bool BySpend,
    EffectiveCursor? Cursor,
    int Limit)
{
    private const int DefaultLimit = 20;

    public static (EffectiveQuery? Query, string? Problem) Read(IQueryCollection query)
    {
        if (query.Limit(DefaultLimit) is not { } limit)
        {
            return (null, AdminQuery.LimitProblem);
        }

        var periods = new List<SpendPeriod>();
        foreach (var name in query.All("period[]").Distinct())
        {
            if (SpendPeriods.Parse(name) is not { } period)
            {
                return (null, "period[]: must be one of daily, weekly, monthly");
            }

            periods.Add(period);
        }

        var sort = query.First("sort");
        if (sort is not null and not "spend_desc")
        {
            return (null, "sort: must be spend_desc");
        }

        if (sort is not null && periods.Count != 1)
        {
            return (null, "sort=spend_desc requires exactly one period[]");
        }

        var page = query.First("page");
        var cursor = page is null ? null : ReadToken(page);
        if (page is not null && (cursor is null || cursor.NanoCents is null != sort is null))
        {
            return (null, "page: invalid page token");
        }

        var userIds = query.All("user_ids[]");
        var subs = userIds.Count > 0
            ? userIds.OfType<string>().Where(sub => sub.Length > 0).Select(StoredText.Of)
            .Distinct(StringComparer.Ordinal).ToList()
            : null;
        return (new EffectiveQuery(
            periods.Count == 0 ? SpendPeriods.All : periods,
            subs,
            query.First("q"),
            sort is not null,
            cursor,
            limit), null);
    }

    public static string Token(EffectiveCursor cursor)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("after", cursor.Sub);
            if (cursor.NanoCents is { } spent)
            {
                json.WriteString("spent", spent.ToString(CultureInfo.InvariantCulture));
            }

            json.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.WrittenSpan);
    }

    private static EffectiveCursor? ReadToken(string token)
    {
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(token));
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("after", out var after)
                || after.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            if (!root.TryGetProperty("spent", out var spent))
            {
                return new EffectiveCursor(after.GetString()!, null);
            }

            return spent.ValueKind == JsonValueKind.String
                && long.TryParse(spent.GetString(), CultureInfo.InvariantCulture, out var nanoCents)
                ? new EffectiveCursor(after.GetString()!, nanoCents)
                : null;
        }
        catch (Exception e)
            when (e is JsonException or FormatException or InvalidOperationException or DecoderFallbackException)
        {
            return null;
        }
    }
}
