using System.Security.Cryptography;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Import;

/// <summary>
/// Brings what was read from the reference into the store here: plans it without writing anything, or does it in one
/// transaction. What was imported before is not imported again; what has grown there since is added. Gateways may run
/// meanwhile: they add to the same counters, whose rows are held only at the end, and hear of the new totals and limits
/// as of each other's. (The embedded store brings no news; its gateway has to be stopped.)
/// </summary>
/// <param name="progress">Told what takes longer.</param>
internal sealed class Importer(Database database, TimeProvider clock, OperationalLog log, Action<string> progress)
{
    /// <summary>Who is said to have made the changes that an import makes here.</summary>
    public const string Actor = "import";

    /// <summary>What marks lines of the trail that came by an import.</summary>
    public const string Reason = "imported";

    private const int LinesOfOneStatement = 1000;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(30);

    private readonly string _sender = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>What <see cref="ApplyAsync"/> would do; nothing is changed and no table is made.</summary>
    /// <param name="overwrite">Whether caps that differ here become the source's.</param>
    /// <exception cref="StoreUnavailableException" />
    public async Task<ImportPlan> PlanAsync(ReferenceData data, bool overwrite)
    {
        var applied = await new Migrator(database, clock, log).AppliedAsync();
        var (hasSpend, hasImports) =
            (applied.Contains(SpendTables.Migration.Id), applied.Contains(ImportTables.Migration.Id));
        return await database.InRepeatableTransactionAsync(
            async transaction =>
            {
                var ledger = new ImportLedger(transaction, data.Source, _sender);
                var imported = hasImports ? await ledger.LimitsAsync() : [];
                return new ImportPlan(
                    ImportPlan.ForLimits(
                        data, hasSpend ? await SpendLimitStore.AllAsync(transaction) : [], imported, overwrite),
                    GoneThere(data, imported),
                    ImportPlan.ForSpend(data, hasImports ? await ledger.SpendAsync() : []),
                    ImportPlan.ForIdentities(data, hasSpend ? await ledger.IdentitiesAsync() : []),
                    NewLines(data, hasImports ? await ledger.AuditAsync() : []));
            },
            TimeLimit);
    }

    /// <summary>Imports everything, or nothing.</summary>
    /// <param name="overwrite">Whether caps that differ here become the source's.</param>
    /// <exception cref="OperatorException">The sums were not what they had to be; nothing was changed.</exception>
    /// <exception cref="StoreUnavailableException">Nothing was changed.</exception>
    /// <exception cref="StoreOutcomeUnknownException">All of it holds, or nothing.</exception>
    public Task<ImportPlan> ApplyAsync(ReferenceData data, bool overwrite) =>
        database.InTransactionAsync(
            async transaction =>
            {
                var ledger = new ImportLedger(transaction, data.Source, _sender);
                var today = SpendPeriods.Day(clock.GetUtcNow());
                await ledger.LockAsync();

                // 1. What nobody waits for: periods that are over.
                var spend = ImportPlan.ForSpend(data, await ledger.SpendAsync());
                await ledger.StageAsync(spend.Additions, progress);
                var past = await ledger.AddAsync(today, current: false);

                // 2. Caps and trail: from here on changes by the admin API wait.
                var imported = await ledger.LimitsAsync();
                var version = await SpendLimitStore.LockAsync(transaction);
                var limits = ImportPlan.ForLimits(
                    data, await SpendLimitStore.AllAsync(transaction), imported, overwrite);
                var audit = NewLines(data, await ledger.AuditAsync());
                await WriteAsync(transaction, ledger, version, audit, limits);
                await ledger.RememberAsync(
                    limits.Where(step => (step.Writes || step.Outcome == LimitOutcome.Equal)
                        && imported.GetValueOrDefault(step.There.Id) != ImportPlan.Value(step.There)));

                // 3. What running gateways write too: counters before people, in their own order.
                var now = await ledger.AddAsync(today, current: true);
                var identities = ImportPlan.ForIdentities(data, await ledger.IdentitiesAsync());
                await ledger.WriteAsync([.. identities.New, .. identities.Newer]);

                // 4. What is there now is what the source has.
                var sum = await ledger.ImportedAsync();
                if (sum != spend.Imported)
                {
                    throw ImportLedger.Wrong(
                        $"{ImportLedger.Cents(sum)} cents were imported instead of {ImportLedger.Cents(spend.Imported)}");
                }

                return new ImportPlan(limits, GoneThere(data, imported), spend, identities, audit)
                {
                    Proof = new ImportProof(past.Before + now.Before, past.Added + now.Added, sum),
                };
            },
            TimeLimit);

    /// <summary>
    /// The source's lines with their own time and actor, then one line for each change of a cap that the import makes,
    /// so that the trail here tells how each cap came to be what it is.
    /// </summary>
    private async Task WriteAsync(
        DatabaseTransaction transaction,
        ImportLedger ledger,
        long version,
        IReadOnlyList<ReferenceAudit> audit,
        IReadOnlyList<LimitStep> limits)
    {
        var lines = audit.Select(
            line => new SpendAuditEntry(
                ++version, line.At, line.Actor, line.Action, line.Target, line.Before, line.After,
                line.Reason is null ? Reason : $"{Reason}: {line.Reason}")).ToList();
        await ledger.RememberAsync(audit);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
        foreach (var step in limits.Where(step => step.Writes))
        {
            var after = step.Here is { } here
                ? here with { AmountCents = step.There.AmountCents, Pool = step.There.Pool, UpdatedAt = now }
                : step.There with { Position = version + 1 };
            await SpendLimitStore.WriteAsync(transaction, after);
            lines.Add(
                new SpendAuditEntry(
                    ++version,
                    now,
                    Actor,
                    "spend_limit.upsert",
                    after.Id,
                    step.Here is null ? null : SpendLimitJson.Snapshot(step.Here),
                    SpendLimitJson.Snapshot(after),
                    Reason));
        }

        var store = new SpendLimitStore(database, _sender, clock);
        foreach (var some in lines.Chunk(LinesOfOneStatement))
        {
            await store.AppendAsync(transaction, some);
        }
    }

    private static List<ReferenceAudit> NewLines(ReferenceData data, HashSet<long> imported) =>
        [.. data.Audit.Where(line => !imported.Contains(line.Id))];

    private static int GoneThere(ReferenceData data, Dictionary<string, string> imported) =>
        imported.Keys.Except(data.Limits.Select(limit => limit.Id), StringComparer.Ordinal).Count();
}
