using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Import;

/// <summary>
/// What the store here knows of a source, and how its spend gets into the counters: what is to be added is first laid
/// beside what was imported before, then added to the counters in one statement whose sums are checked.
/// </summary>
/// <param name="source">Names the source; see <see cref="ImportTables"/>.</param>
/// <param name="sender">Whom replicas take the news to be of.</param>
internal sealed class ImportLedger(DatabaseTransaction transaction, long source, string sender)
{
    private const int RowsOfOneStatement = 10_000;

    private const string PendingCounters =
        "FROM gw_spend_counter AS c JOIN gw_import_spend AS i ON i.key = c.key AND i.period = c.period AND i.start_day = "
            + "c.start_day WHERE " + Pending;

    private const string Pending = "i.source = $1 AND i.pending IS NOT NULL AND ";

    /// <summary>
    /// The periods that are not over, or only just: the rows that running gateways write and others wait for.
    /// </summary>
    private const string Current =
        "((i.period = 0 AND i.start_day >= $2) OR (i.period = 1 AND i.start_day >= $3) OR (i.period = 2 AND i.start_day >= "
            + "$4))";

    /// <summary>Of two imports the second waits for the first; SQLite does so by itself.</summary>
    public Task<long> LockAsync() =>
        transaction.FirstAsync(
            $"SELECT value FROM gw_spend_sequence WHERE name = 'import'{(transaction.IsPostgres ? " FOR UPDATE" : "")}",
            static row => row.GetInt64(0));

    public async Task<Dictionary<string, string>> LimitsAsync() =>
        (await transaction.AllAsync(
            "SELECT id, value FROM gw_import_limit WHERE source = $1",
            static row => (Id: row.GetString(0), Value: row.GetString(1)),
            source)).ToDictionary(row => row.Id, row => row.Value, StringComparer.Ordinal);

    public async Task<Dictionary<SpendRowKey, long>> SpendAsync() =>
        (await transaction.AllAsync(
            "SELECT key, period, start_day, amount FROM gw_import_spend WHERE source = $1",
            static row => (
                Row: new SpendRowKey(
                    CounterKey.FromBytes(row.GetFieldValue<byte[]>(0)), (SpendPeriod)row.GetInt32(1), row.GetInt32(2)),
                Amount: row.GetInt64(3)),
            source)).ToDictionary(row => row.Row, row => row.Amount);

    public async Task<HashSet<long>> AuditAsync() =>
        [.. await transaction.AllAsync(
            "SELECT id FROM gw_import_audit WHERE source = $1", static row => row.GetInt64(0), source)];

    /// <summary>By sub, how everybody was last seen here.</summary>
    public async Task<Dictionary<string, ReferenceIdentity>> IdentitiesAsync() =>
        (await transaction.AllAsync(
            "SELECT sub, seen_at FROM gw_spend_principal",
            static row => new ReferenceIdentity(row.GetString(0), null, null, [], row.GetInt64(1))))
        .ToDictionary(identity => identity.Sub, StringComparer.Ordinal);

    /// <summary>Lays down what is to be added; nothing counts yet.</summary>
    public async Task StageAsync(IReadOnlyList<SpendAddition> additions, Action<string> progress)
    {
        const string write = "ON CONFLICT (source, key, period, start_day) DO UPDATE SET pending = excluded.pending";
        var done = 0;
        foreach (var rows in additions.Chunk(RowsOfOneStatement))
        {
            if (transaction.IsPostgres)
            {
                await transaction.ExecuteAsync(
                    "INSERT INTO gw_import_spend (source, key, period, start_day, amount, pending) SELECT $1, d.key, "
                        + "d.period, d.start_day, 0, d.pending FROM unnest($2::bytea[], $3::int[], $4::int[], "
                        + $"$5::bigint[]) AS d (key, period, start_day, pending) {write}",
                    source,
                    rows.Select(row => row.Row.Key.ToBytes()).ToArray(),
                    rows.Select(row => (int)row.Row.Period).ToArray(),
                    rows.Select(row => row.Row.StartDay).ToArray(),
                    rows.Select(row => row.NanoCents).ToArray());
            }
            else
            {
                await transaction.ExecuteManyAsync(
                    "INSERT INTO gw_import_spend (source, key, period, start_day, amount, pending) VALUES ($1, $2, $3, "
                        + $"$4, 0, $5) {write}",
                    rows.Select(row => new object?[]
                    {
                        source, row.Row.Key.ToBytes(), (int)row.Row.Period, row.Row.StartDay, row.NanoCents,
                    }));
            }

            done += rows.Length;
            if (done >= RowsOfOneStatement)
            {
                progress($"{done} of {additions.Count} totals laid down");
            }
        }
    }

    /// <summary>
    /// Adds what was laid down, of the current periods or of those before, and tells running gateways the new totals of
    /// the current ones.
    /// </summary>
    /// <returns>What the counters held together, and by how much they are larger now.</returns>
    /// <exception cref="OperatorException">They are not larger by what was to be added.</exception>
    public async Task<(decimal Before, decimal Added)> AddAsync(DateOnly today, bool current)
    {
        var range = current ? Current : "NOT " + Current;
        // A request that ended at midnight is still written to the day before.
        var from = today.AddDays(-1);
        object?[] limits =
        [
            source, SpendPeriod.Daily.Start(from).DayNumber, SpendPeriod.Weekly.Start(from).DayNumber,
            SpendPeriod.Monthly.Start(from).DayNumber,
        ];
        // The order of keys, as in a round of a running gateway: neither waits for the other in a circle.
        await transaction.ExecuteAsync(
            "INSERT INTO gw_spend_counter (key, period, start_day, amount) SELECT i.key, i.period, i.start_day, 0 FROM "
                + $"gw_import_spend AS i WHERE {Pending}{range} ORDER BY i.key, i.period, i.start_day ON CONFLICT (key, "
                + "period, start_day) DO NOTHING",
            limits);
        // Held from here to the end of the transaction, so that nothing else changes the sum in between.
        var locked = transaction.IsPostgres
            ? $"FROM (SELECT c.amount {PendingCounters}{range} ORDER BY c.key, c.period, c.start_day FOR UPDATE OF c) "
                + "AS c"
            : PendingCounters + range;
        var before = await SumAsync("c.amount", locked, limits);
        await transaction.ExecuteAsync(
            "UPDATE gw_spend_counter AS c SET amount = c.amount + i.pending FROM gw_import_spend AS i WHERE i.key = c.key "
                + $"AND i.period = c.period AND i.start_day = c.start_day AND {Pending}{range}",
            limits);
        var added = await SumAsync("c.amount", PendingCounters + range, limits) - before;
        var expected = await SumAsync("i.pending", $"FROM gw_import_spend AS i WHERE {Pending}{range}", limits);
        if (added != expected)
        {
            throw Wrong($"the counters here grew by {Cents(added)} cents instead of {Cents(expected)}");
        }

        if (current && transaction.IsPostgres)
        {
            await TellAsync(range, limits);
        }

        await transaction.ExecuteAsync(
            $"UPDATE gw_import_spend AS i SET amount = i.amount + i.pending, pending = NULL WHERE {Pending}{range}", limits);
        return (before, added);
    }

    /// <summary>What has been imported from this source, of all times.</summary>
    public Task<decimal> ImportedAsync() =>
        SumAsync("i.amount", "FROM gw_import_spend AS i WHERE i.source = $1 AND i.pending IS NULL", source);

    /// <summary>Remembers what these caps of the source are.</summary>
    public Task RememberAsync(IEnumerable<LimitStep> steps) =>
        transaction.ExecuteManyAsync(
            "INSERT INTO gw_import_limit (source, id, value) VALUES ($1, $2, $3) ON CONFLICT (source, id) DO UPDATE SET "
                + "value = excluded.value",
            steps.Select(step => new object?[] { source, step.There.Id, ImportPlan.Value(step.There) }));

    /// <summary>Remembers that these lines of the source's trail are here.</summary>
    public Task RememberAsync(IEnumerable<ReferenceAudit> lines) =>
        transaction.ExecuteManyAsync(
            "INSERT INTO gw_import_audit (source, id) VALUES ($1, $2)",
            lines.Select(line => new object?[] { source, line.Id }));

    public Task WriteAsync(IEnumerable<ReferenceIdentity> identities) =>
        transaction.ExecuteManyAsync(
            "INSERT INTO gw_spend_principal AS p (key, sub, email, name, groups, seen_at) VALUES ($1, $2, CAST($3 AS text), "
                + "CAST($4 AS text), $5, $6) ON CONFLICT (key) DO UPDATE SET email = excluded.email, name = excluded.name, "
                + "groups = excluded.groups, seen_at = excluded.seen_at WHERE p.seen_at < excluded.seen_at",
            identities.Select(one => (Key: CounterKey.Of(CounterKind.User, one.Sub), One: one))
            .OrderBy(row => row.Key.Value)
            .Select(row => new object?[]
            {
                row.Key.ToBytes(), row.One.Sub, row.One.Email, row.One.Name,
                JsonSerializer.Serialize(row.One.Groups, SpendJson.Default.StringArray), row.One.SeenAt,
            }));

    public static OperatorException Wrong(string what) =>
        new($"{what}. Nothing was changed; please report this as a bug");

    /// <summary>Billionths of a cent as cents, without rounding.</summary>
    public static string Cents(decimal nanoCents) =>
        (nanoCents / Money.NanoCentsPerCent).ToString("0.#########", CultureInfo.InvariantCulture);

    private Task<int> TellAsync(string range, object?[] limits) =>
        transaction.FirstAsync(
            $"""
            SELECT count(*)::int FROM (
              SELECT {ReplicaMessage.SendingSql("spend", "$5::text", SpendRound.ToldTotals)} FROM (
                SELECT c.key, c.period, c.start_day, c.amount,
                  (row_number() OVER () - 1) / {SpendRound.TotalsOfOneMessage} AS page
                {PendingCounters}{range}) AS paged
              GROUP BY page) AS told
            """,
            static row => row.GetInt32(0),
            [.. limits, sender]);

    /// <summary>Cents and the rest apart: all of it together may not fit into 64 bits.</summary>
    private Task<decimal> SumAsync(string amount, string from, params object?[] parameters) =>
        transaction.FirstAsync(
            $"SELECT CAST(coalesce(sum({amount} / 1000000000), 0) AS bigint), CAST(coalesce(sum({amount} % 1000000000), 0) "
                + $"AS bigint) {from}",
            static row => ((decimal)row.GetInt64(0) * Money.NanoCentsPerCent) + row.GetInt64(1),
            parameters);
}
