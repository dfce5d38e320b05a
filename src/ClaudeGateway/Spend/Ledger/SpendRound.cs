using System.Data.Common;
using System.Text.Json;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// What a replica tells the store in one round. Numbered, so that a round whose commit was not confirmed can be sent
/// again as it was: the store applies each number once.
/// </summary>
internal sealed record SpendBatch(
    long Sequence, IReadOnlyList<SpendDelta> Deltas, IReadOnlyList<SpendIdentity> Identities);

/// <summary>What the store answered: totals over all replicas, and the number of the last change of limits.</summary>
/// <param name="IsApplied">False when the batch had been applied before, or there was none.</param>
internal sealed record SpendAnswer(IReadOnlyList<StoredTotal> Totals, long LimitsVersion, bool IsApplied);

/// <summary>
/// One exchange between a replica's ledger and the store: amounts go in as increments, totals come back, in a single
/// statement (PostgreSQL) or transaction (SQLite). On PostgreSQL the same statement tells the other replicas the new
/// totals.
/// </summary>
internal sealed class SpendRound(Database database, string writer, TimeProvider clock)
{
    private const int MaxConflicts = 3;

    /// <summary>
    /// An SQL expression: rows of <c>gw_spend_counter</c> as the text of a notification (<see cref="StoredTotals"/>).
    /// </summary>
    public const string ToldTotals =
        "string_agg(encode(key, 'hex') || ' ' || period || ' ' || start_day || ' ' || amount, ' ')";

    /// <summary>Totals of one notification, which holds at most 8,000 bytes; a total takes about 70.</summary>
    public const string TotalsOfOneMessage = "80";

    private static readonly string PostgresSql = $"""
        WITH fresh AS (
          INSERT INTO gw_spend_writer AS w (id, sequence, seen_at) SELECT $1, $2, $3 WHERE $2 > 0
          ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, seen_at = excluded.seen_at WHERE w.sequence <
            excluded.sequence
          RETURNING 1),
        seen AS (
          INSERT INTO gw_spend_principal (key, sub, email, name, groups, seen_at)
          SELECT i.key, i.sub, i.email, i.name, i.groups, $3 FROM unnest($8::bytea[], $9::text[], $10::text[],
            $11::text[], $12::text[]) AS i (key, sub, email, name, groups)
          ON CONFLICT (key) DO UPDATE SET email = excluded.email, name = excluded.name, groups = excluded.groups,
            seen_at = excluded.seen_at),
        changed AS (
          INSERT INTO gw_spend_counter AS c (key, period, start_day, amount)
          SELECT d.key, d.period, d.start_day, d.amount FROM unnest($4::bytea[], $5::int[], $6::int[], $7::bigint[]) AS
            d (key, period, start_day, amount) WHERE EXISTS (SELECT 1 FROM fresh)
          ON CONFLICT (key, period, start_day) DO UPDATE SET amount = LEAST(c.amount + excluded.amount, $17)
          RETURNING key, period, start_day, amount),
        told AS (
          SELECT {ReplicaMessage.SendingSql("spend", "$1", ToldTotals)}
          FROM (SELECT *, (row_number() OVER () - 1) / {TotalsOfOneMessage} AS page FROM changed) AS paged
          GROUP BY page)
        SELECT key, period, start_day, amount FROM changed
        UNION ALL
        SELECT c.key, c.period, c.start_day, c.amount FROM unnest($13::bytea[]) AS a (key) JOIN gw_spend_counter AS c
          ON c.key = a.key
          AND (c.period, c.start_day) IN ((0, $14), (1, $15), (2, $16))
        UNION ALL
        SELECT NULL, 0, 0, value FROM gw_spend_sequence WHERE name = 'audit'
        UNION ALL
        SELECT NULL, 1, 0, count(*) FROM fresh
        UNION ALL
        SELECT NULL, 2, 0, count(*) FROM told
        """;

    /// <param name="asked">Counters whose totals are wanted whether they changed or not.</param>
    /// <exception cref="StoreUnavailableException" />
    public Task<SpendAnswer> RunAsync(SpendBatch? batch, IReadOnlyCollection<SpendCounter> asked)
    {
        var today = SpendPeriods.Day(clock.GetUtcNow());
        var rows = Rows(batch);
        return database.IsPostgres
            ? AgainAfterConflictAsync(() => RunOnPostgresAsync(batch, rows, asked, today))
            : RunOnSqliteAsync(batch, rows, asked, today);
    }

    /// <summary>
    /// Of two transactions that stood in each other's way the store undid this one, all of it: it can be sent again at
    /// once.
    /// </summary>
    private static async Task<SpendAnswer> AgainAfterConflictAsync(Func<Task<SpendAnswer>> run)
    {
        for (var left = MaxConflicts; ; left--)
        {
            try
            {
                return await run();
            }
            catch (StoreUnavailableException e) when (left > 0 && StoreErrors.IsConflict(e.InnerException))
            {
                // Once more.
            }
        }
    }

    private async Task<SpendAnswer> RunOnPostgresAsync(
        SpendBatch? batch, List<StoredTotal> rows, IReadOnlyCollection<SpendCounter> asked, DateOnly today)
    {
        var identities = InOrder(batch);
        // Repeatable: the store applies a number once.
        var answers = await database.AllAsync(
            PostgresSql,
            ReadRow,
            writer,
            batch?.Sequence ?? 0L,
            clock.GetUtcNow().ToUnixTimeMilliseconds(),
            rows.Select(row => row.Key.ToBytes()).ToArray(),
            rows.Select(row => (int)row.Period).ToArray(),
            rows.Select(row => row.Start.DayNumber).ToArray(),
            rows.Select(row => row.Amount.NanoCents).ToArray(),
            identities.Select(row => row.Key.ToBytes()).ToArray(),
            identities.Select(row => row.Identity.Sub).ToArray(),
            identities.Select(row => row.Identity.Email).ToArray(),
            identities.Select(row => row.Identity.Name).ToArray(),
            identities.Select(row => GroupsJson(row.Identity)).ToArray(),
            asked.Select(counter => counter.Key.ToBytes()).ToArray(),
            SpendPeriod.Daily.Start(today).DayNumber,
            SpendPeriod.Weekly.Start(today).DayNumber,
            SpendPeriod.Monthly.Start(today).DayNumber,
            Money.MaxNanoCents);
        return Answer(answers);
    }

    private Task<SpendAnswer> RunOnSqliteAsync(
        SpendBatch? batch, List<StoredTotal> rows, IReadOnlyCollection<SpendCounter> asked, DateOnly today) =>
        database.InTransactionAsync(async transaction =>
        {
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var answers = new List<SpendAnswerRow>();
            if (batch is not null)
            {
                foreach (var (key, identity) in InOrder(batch))
                {
                    await transaction.ExecuteAsync(
                        "INSERT INTO gw_spend_principal (key, sub, email, name, groups, seen_at) VALUES ($1, $2, $3, "
                            + "$4, $5, $6) ON CONFLICT (key) DO UPDATE SET email = excluded.email, name = "
                            + "excluded.name, groups = excluded.groups, seen_at = excluded.seen_at",
                        key.ToBytes(), identity.Sub, identity.Email, identity.Name, GroupsJson(identity), now);
                }

                var isFresh = await transaction.ExecuteAsync(
                    "INSERT INTO gw_spend_writer AS w (id, sequence, seen_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO "
                        + "UPDATE SET sequence = excluded.sequence, seen_at = excluded.seen_at WHERE w.sequence < "
                        + "excluded.sequence",
                    writer, batch.Sequence, now) > 0;
                answers.Add(new SpendAnswerRow(null, SpendAnswerRow.Applied, isFresh ? 1 : 0));
                foreach (var row in isFresh ? rows : [])
                {
                    answers.Add(await transaction.FirstAsync(
                        "INSERT INTO gw_spend_counter AS c (key, period, start_day, amount) VALUES ($1, $2, $3, $4) ON "
                            + "CONFLICT (key, period, start_day) DO UPDATE SET amount = min(c.amount + "
                            + "excluded.amount, $5) RETURNING key, period, start_day, amount",
                        ReadRow,
                        row.Key.ToBytes(),
                        (int)row.Period,
                        row.Start.DayNumber,
                        row.Amount.NanoCents,
                        Money.MaxNanoCents));
                }
            }

            foreach (var counter in asked)
            {
                answers.AddRange(await transaction.AllAsync(
                    "SELECT key, period, start_day, amount FROM gw_spend_counter WHERE key = $1 AND ((period = 0 AND "
                        + "start_day = $2) OR (period = 1 AND start_day = $3) OR (period = 2 AND start_day = $4))",
                    ReadRow, counter.Key.ToBytes(), SpendPeriod.Daily.Start(today).DayNumber,
                    SpendPeriod.Weekly.Start(today).DayNumber, SpendPeriod.Monthly.Start(today).DayNumber));
            }

            answers.Add(
                await transaction.FirstAsync(
                    "SELECT NULL, 0, 0, value FROM gw_spend_sequence WHERE name = 'audit'", ReadRow));
            return Answer(answers);
        });

    /// <summary>
    /// Daily, weekly and monthly rows of the deltas, each row once; in the order of keys, so that two replicas never
    /// wait for each other in a circle.
    /// </summary>
    private static List<StoredTotal> Rows(SpendBatch? batch)
    {
        var sums = new Dictionary<(CounterKey, SpendPeriod, DateOnly), Money>();
        foreach (var delta in batch?.Deltas ?? [])
        {
            foreach (var period in delta.Counter.Kind == CounterKind.User ? SpendPeriods.All : [SpendPeriod.Monthly])
            {
                var key = (delta.Counter.Key, period, period.Start(delta.Day));
                sums[key] = sums.GetValueOrDefault(key) + delta.Amount;
            }
        }

        return
        [
            .. sums.Select(
                row =>
                    new StoredTotal(
                        row.Key.Item1,
                        row.Key.Item2,
                        row.Key.Item3,
                        row.Value > Money.MaxDelta ? Money.MaxDelta : row.Value))
            .OrderBy(row => row.Key.Value).ThenBy(row => row.Period).ThenBy(row => row.Start)];
    }

    /// <summary>In the order of keys, for the same reason.</summary>
    private static List<(CounterKey Key, SpendIdentity Identity)> InOrder(SpendBatch? batch) =>
        [.. (batch?.Identities ?? [])
            .Select(identity => (Key: CounterKey.Of(CounterKind.User, identity.Sub), Identity: identity))
            .OrderBy(row => row.Key.Value)];

    private static SpendAnswer Answer(List<SpendAnswerRow> rows) => new(
        [.. rows.Where(row => row.Total is not null).Select(row => row.Total!.Value)],
        rows.Where(row => row.Total is null
            && row.Kind == SpendAnswerRow.Version).Select(row => row.Value).DefaultIfEmpty().Max(),
        rows.Exists(row => row.Total is null && row.Kind == SpendAnswerRow.Applied && row.Value > 0));

    private static SpendAnswerRow ReadRow(DbDataReader row)
    {
        var kind = row.GetInt32(1);
        return row.IsDBNull(0)
            ? new SpendAnswerRow(null, kind, row.GetInt64(3))
            : new SpendAnswerRow(
                new StoredTotal(
                    CounterKey.FromBytes(row.GetFieldValue<byte[]>(0)),
                    (SpendPeriod)kind,
                    DateOnly.FromDayNumber(row.GetInt32(2)),
                    new Money(row.GetInt64(3))),
                kind,
                0);
    }

    private static string GroupsJson(SpendIdentity identity) =>
        JsonSerializer.Serialize([.. identity.Groups], SpendJson.Default.StringArray);

    /// <summary>A row of the answer: a total, or without one what <paramref name="Kind"/> says.</summary>
    private readonly record struct SpendAnswerRow(StoredTotal? Total, int Kind, long Value)
    {
        public const int Version = 0;
        public const int Applied = 1;
    }
}
