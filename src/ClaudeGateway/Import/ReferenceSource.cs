using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Import;

/// <summary>Reads a database of the reference (<see cref="ReferenceSchema"/>) as of one moment.</summary>
/// <param name="progress">Told how many totals have been read, now and then.</param>
internal sealed class ReferenceSource(PostgresDataSource source, Action<string> progress)
{
    private const int ProgressRows = 10_000;

    /// <summary>Billionths of a cent: what the source's doubles tell apart, and what is kept here.</summary>
    private const string Cents = "round(greatest(cents, 0)::numeric, 9)";

    /// <exception cref="OperatorException">The source cannot be read, or is not the reference's.</exception>
    public Task<ReferenceData> ReadAsync(CancellationToken stop) =>
        ReferenceReader.ReadAsync(
            source,
            async reader =>
            {
                var notes = await ReferenceSchema.CheckAsync(reader);
                var since = await reader.FirstAsync(
                    "SELECT (extract(epoch FROM applied_at) * 1000000)::bigint FROM _migrations ORDER BY version LIMIT 1",
                    static row => row.GetInt64(0));
                if (since == 0)
                {
                    throw new OperatorException("the source has no first migration: Anthropic's gateway never used it");
                }

                var limits = await LimitsAsync(reader);
                await RefuseOddAmountsAsync(reader);
                var (spend, seen) = await SpendAsync(reader);
                var negative = await reader.FirstAsync(
                    "SELECT (SELECT count(*) FROM spend WHERE cents < 0) + (SELECT count(*) FROM pooled_spend WHERE cents "
                        + "< 0)",
                    static row => row.GetInt64(0));
                return new ReferenceData(
                    since,
                    limits,
                    spend,
                    await IdentitiesAsync(reader, seen),
                    await AuditAsync(reader),
                    (int)negative,
                    notes);
            },
            stop);

    private static async Task<List<SpendLimit>> LimitsAsync(ReferenceReader reader) =>
        await reader.AllAsync(
            "SELECT id, scope_type, scope_id, period, amount, pooled_monthly_credit_limit, pooled_limit_enabled, currency, "
                + "created_at, updated_at FROM spend_limits ORDER BY created_at, id",
            static row =>
            {
                var id = row.GetString(0);
                var type = SpendScope.ParseType(row.GetString(1));
                var period = SpendPeriods.Parse(row.GetString(3));
                if (type is null || period is null || row.GetString(7) != "USD")
                {
                    throw new OperatorException(
                        $"the source's limit {id} has a scope, period or currency that this version does not know "
                            + $"({row.GetString(1)}, {row.GetString(3)}, {row.GetString(7)})");
                }

                var scope = type == SpendScopeType.Organization
                    ? SpendScope.Organization : new SpendScope(type.Value, row.GetString(2));
                var pool = row.IsDBNull(5) || !scope.CanHavePool(period.Value)
                    ? null : new PooledBudget(row.GetInt64(5), !row.GetBoolean(6));
                return new SpendLimit(
                    id,
                    0,
                    scope,
                    period.Value,
                    row.IsDBNull(4) ? null : row.GetInt64(4),
                    pool,
                    Time(row, 8),
                    Time(row, 9));
            });

    /// <summary>An amount that no counter here can hold is refused, not cut: the sums would not be the same.</summary>
    private static async Task RefuseOddAmountsAsync(ReferenceReader reader)
    {
        var odd = await reader.FirstAsync(
            "SELECT who || ', ' || period FROM (SELECT principal AS who, period, cents FROM spend UNION ALL SELECT "
                + "rbac_group_id, period, cents FROM pooled_spend) AS s WHERE cents = 'NaN' OR abs(cents) > "
                + (Money.MaxNanoCents / Money.NanoCentsPerCent).ToString(CultureInfo.InvariantCulture) + " LIMIT 1",
            static row => row.GetString(0));
        if (odd is not null)
        {
            throw new OperatorException(
                $"the source's spend of {odd} is no amount, or more than can be held (90 million US dollars). Correct "
                    + "it there");
        }
    }

    /// <returns>The totals, and when each developer's last one was written.</returns>
    private async Task<(List<ReferenceSpend> Spend, Dictionary<string, long> Seen)> SpendAsync(ReferenceReader reader)
    {
        var spend = new List<ReferenceSpend>();
        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        var sum = 0m;
        await reader.EachAsync(
            $"SELECT principal, period, {Cents}, updated_at FROM spend",
            row =>
            {
                var sub = row.GetString(0);
                var at = Time(row, 3).ToUnixTimeMilliseconds();
                seen[sub] = Math.Max(at, seen.GetValueOrDefault(sub));
                Add(CounterKind.User, sub, row);
            });
        await reader.EachAsync(
            $"SELECT rbac_group_id, period, {Cents} FROM pooled_spend",
            row => Add(CounterKind.Pool, row.GetString(0), row));

        // The database's own sum of the same moment: whatever is wrong with the reading shows here.
        var expected = await reader.FirstAsync(
            $"SELECT coalesce((SELECT sum({Cents}) FROM spend), 0) + coalesce((SELECT sum({Cents}) FROM pooled_spend), 0)",
            static row => row.GetDecimal(0));
        return sum == expected
            ? (spend, seen)
            : throw new OperatorException($"the source's spend adds up to {expected} cents, and {sum} were read");

        void Add(CounterKind kind, string id, DbDataReader row)
        {
            var name = row.GetString(1);
            if (!ReferencePeriod.TryParse(name, out var period, out var start)
                || (kind == CounterKind.Pool && period != SpendPeriod.Monthly))
            {
                throw new OperatorException($"the source's spend of {id} is of a period that is not known: {name}");
            }

            var cents = row.GetDecimal(2);
            sum += cents;
            var key = new SpendRowKey(CounterKey.Of(kind, id), period, start.DayNumber);
            spend.Add(new ReferenceSpend(key, kind, new Money((long)(cents * Money.NanoCentsPerCent))));
            if (spend.Count % ProgressRows == 0)
            {
                progress($"{spend.Count} totals read");
            }
        }
    }

    /// <summary>Whoever is known by his spend alone is there too, so that lists show it.</summary>
    private static async Task<List<ReferenceIdentity>> IdentitiesAsync(
        ReferenceReader reader, Dictionary<string, long> seen)
    {
        var identities = await reader.AllAsync(
            "SELECT principal, email, name, groups::text, updated_at FROM principal_emails ORDER BY principal",
            static row => new ReferenceIdentity(
                row.GetString(0),
                Text(row, 1),
                Text(row, 2),
                Groups(Text(row, 3)),
                Time(row, 4).ToUnixTimeMilliseconds()));
        var known = identities.Select(identity => identity.Sub).ToHashSet(StringComparer.Ordinal);
        identities.AddRange(
            seen.Where(one => !known.Contains(one.Key))
            .Select(one => new ReferenceIdentity(one.Key, null, null, [], one.Value)));
        return identities;
    }

    private static Task<List<ReferenceAudit>> AuditAsync(ReferenceReader reader) =>
        reader.AllAsync(
            "SELECT id, at, actor, action, target, before::text, after::text, reason FROM admin_audit ORDER BY id",
            static row => new ReferenceAudit(
                row.GetInt64(0),
                Time(row, 1),
                row.GetString(2),
                row.GetString(3),
                row.GetString(4),
                Text(row, 5),
                Text(row, 6),
                Text(row, 7)));

    private static string[] Groups(string? json)
    {
        using var groups = JsonDocument.Parse(json ?? "[]");
        return groups.RootElement.ValueKind != JsonValueKind.Array
            ? []
            : [.. groups.RootElement.EnumerateArray()
                .Where(group => group.ValueKind == JsonValueKind.String)
                .Select(group => group.GetString()!)];
    }

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    /// <summary>To the millisecond, the rest cut, as the source itself shows its times.</summary>
    private static DateTimeOffset Time(DbDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(
            new DateTimeOffset(row.GetDateTime(column), TimeSpan.Zero).ToUnixTimeMilliseconds());
}
