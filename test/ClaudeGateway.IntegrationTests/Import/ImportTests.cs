using ClaudeGateway.Import;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Import;

/// <summary>What an import from a database of Anthropic's gateway leaves in a store of either kind.</summary>
public sealed class ImportTests
{
    private static readonly string[] Tables =
    [
        "gw_spend_limit", "gw_spend_audit", "gw_spend_counter", "gw_spend_principal", "gw_spend_sequence",
        "gw_import_limit", "gw_import_spend", "gw_import_audit",
    ];

    [Theory]
    [MemberData(nameof(TestStore.Kinds), MemberType = typeof(TestStore))]
    public async Task Everything_comes_over_to_the_billionth_of_a_cent(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var source = await ReferenceDatabase.CreateAsync();

        var plan = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        Assert.Equal(1_299_900_000, await CounterAsync(store, "amy", SpendPeriod.Daily, new DateOnly(2026, 9, 30)));
        Assert.Equal(1_299_900_000, await CounterAsync(store, "amy", SpendPeriod.Weekly, new DateOnly(2026, 9, 28)));
        Assert.Equal(15_000_300_000, await CounterAsync(store, "amy", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
        Assert.Equal(300_000_000, await CounterAsync(store, "Bob", SpendPeriod.Weekly, new DateOnly(2025, 12, 29)));
        Assert.Equal(
            1_234_567_891_000_000, await CounterAsync(store, "Bob", SpendPeriod.Monthly, new DateOnly(2026, 1, 1)));
        Assert.Equal(0, await CounterAsync(store, "zoë \"x\"\\", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
        Assert.Equal(1_500_000, await CounterAsync(store, "forgotten", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
        Assert.Equal(0, await CounterAsync(store, "refunded", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
        Assert.Equal(
            7_250_000_000,
            await CounterAsync(store, "eng", SpendPeriod.Monthly, new DateOnly(2026, 9, 1), CounterKind.Pool));
        Assert.Equal(1_234_595_142_600_000m, plan.Proof!.Imported);
        Assert.Equal(plan.Proof.Imported, plan.Proof.Added);

        var limits = await Limits(store).ListAsync([], null, null, 100);
        Assert.Equal(
            [
                "user amy Monthly 50000 ", "rbac_group eng Monthly 60000 PooledBudget { AmountCents = 10000, IsPaused = False }",
                "organization  Weekly 999999999999999999 ",
                "rbac_group ops Monthly  PooledBudget { AmountCents = 9, IsPaused = True }", "user Bob Daily 0 ",
            ],
            limits.Select(limit =>
                $"{limit.Scope.TypeName} {limit.Scope.Id} {limit.Period} {limit.AmountCents} {limit.Pool}"));
        Assert.Equal("spl_00000000000000000000000000000001", limits[0].Id);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 12, 0, 0, 689, TimeSpan.Zero), limits[0].CreatedAt);
        Assert.Equal(new DateTimeOffset(2026, 3, 4, 0, 0, 0, TimeSpan.Zero), limits[0].UpdatedAt);

        var people = await new SpendPrincipalStore(store.Database).FindAsync(
            ["amy", "zoë \"x\"\\", "forgotten", "refunded"]);
        Assert.Equal(("amy@example.com", "Amy"), (people["amy"].Email, people["amy"].Name));
        Assert.Equal(["eng", "ops"], people["amy"].Groups);
        Assert.Equal(["grp,1", "{a}"], people["zoë \"x\"\\"].Groups);
        Assert.Equal((null, null), (people["forgotten"].Email, people["forgotten"].Name));
        Assert.Empty(people["refunded"].Groups);
    }

    [Theory]
    [MemberData(nameof(TestStore.Kinds), MemberType = typeof(TestStore))]
    public async Task The_trail_keeps_time_and_actor_is_marked_and_tells_of_the_import_itself(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var source = await ReferenceDatabase.CreateAsync();

        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        var trail = await Limits(store).ListAuditAsync(null, 100);
        trail.Reverse();
        Assert.Equal(Enumerable.Range(1, 8), trail.Select(line => (int)line.Id));
        Assert.Equal(
            ["imported", "imported: budget", "imported", .. Enumerable.Repeat("imported", 5)],
            trail.Select(line => line.Reason));
        Assert.Equal(
            ["admin-key:tf", "oidc:chief", "admin-key:tf", .. Enumerable.Repeat("import", 5)],
            trail.Select(line => line.Actor));
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 12, 0, 0, 689, TimeSpan.Zero), trail[0].CreatedAt);
        Assert.Contains("\"amount\": \"40000\"", trail[0].After, StringComparison.Ordinal);
        Assert.Null(trail[2].After);
        Assert.Equal("spl_00000000000000000000000000000001", trail[3].TargetId);
        var now = TimeProvider.System.GetUtcNow();
        Assert.InRange(trail[3].CreatedAt, now.AddMinutes(-5), now.AddMinutes(1));
    }

    [Theory]
    [MemberData(nameof(TestStore.Kinds), MemberType = typeof(TestStore))]
    public async Task A_dry_run_and_a_second_import_change_nothing(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var source = await ReferenceDatabase.CreateAsync();
        var empty = await DumpAsync(store);

        var dry = await Importer(store).PlanAsync(await source.ReadAsync(), overwrite: false);
        Assert.Equal(empty, await DumpAsync(store));
        var first = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        var full = await DumpAsync(store);
        var second = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: true);

        Assert.Equal(full, await DumpAsync(store));
        Assert.Equal(11, dry.Spend.Additions.Count);
        Assert.Equal(first.Spend.Additions, dry.Spend.Additions);
        Assert.Equal((5, 5, 3), (dry.Limits.Count(step => step.Writes), dry.Identities.New.Count, dry.Audit.Count));
        Assert.All(second.Limits, step => Assert.Equal(LimitOutcome.Equal, step.Outcome));
        Assert.Equal((0, 0, 5), (second.Spend.Additions.Count, second.Audit.Count, second.Identities.Equal));
        Assert.Equal(0, second.Proof!.Added);
    }

    [Theory]
    [MemberData(nameof(TestStore.Kinds), MemberType = typeof(TestStore))]
    public async Task What_grew_there_is_added_to_what_was_spent_here(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var source = await ReferenceDatabase.CreateAsync();
        await source.SpendAsync("amy", 10.5m);
        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        var month = SpendPeriod.Monthly.Start(SpendPeriods.Day(TimeProvider.System.GetUtcNow()));
        await store.Database.ExecuteOnceAsync(
            "UPDATE gw_spend_counter SET amount = amount + 2000000000 WHERE key = $1",
            (object)CounterKey.Of(CounterKind.User, "amy").ToBytes());

        await source.SpendAsync("amy", 0.25m);
        var grown = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        Assert.Equal(12_750_000_000, await CounterAsync(store, "amy", SpendPeriod.Monthly, month));
        Assert.Equal((0.75m * 1_000_000_000, 37.5m * 1_000_000_000), (grown.Proof!.Added, grown.Proof.Before));
        Assert.Equal(3, grown.Spend.Additions.Count);
    }

    [Fact]
    public async Task A_total_that_became_smaller_there_stays_and_counts_once_when_it_grows_again()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Sqlite);
        var source = await ReferenceDatabase.CreateAsync();
        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        await source.RunAsync("UPDATE spend SET cents = 5 WHERE principal = 'amy' AND period = '2026-09'");
        await source.RunAsync("DELETE FROM spend WHERE principal = 'Bob'");
        var shrunk = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        await source.RunAsync("UPDATE spend SET cents = 16 WHERE principal = 'amy' AND period = '2026-09'");
        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        Assert.Equal(1, shrunk.Spend.Steps[(CounterKind.User, SpendPeriod.Monthly)].Shrunk);
        Assert.Empty(shrunk.Spend.Additions);
        Assert.Equal(16_000_000_000, await CounterAsync(store, "amy", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
        Assert.Equal(
            1_234_567_891_000_000, await CounterAsync(store, "Bob", SpendPeriod.Monthly, new DateOnly(2026, 1, 1)));
    }

    [Theory]
    [MemberData(nameof(TestStore.Kinds), MemberType = typeof(TestStore))]
    public async Task Limits_that_differ_stay_as_they_are_here_unless_told_otherwise(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var source = await ReferenceDatabase.CreateAsync();
        var limits = Limits(store);
        var own = await limits.UpsertAsync(Draft("amy", SpendPeriod.Monthly, 7), "admin-key:here");

        var first = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        // Changed there alone, here alone, at both sides; deleted here; deleted there.
        await source.RunAsync("UPDATE spend_limits SET amount = 8 WHERE scope_type = 'organization'");
        await limits.UpsertAsync(
            new SpendLimitDraft(new SpendScope(SpendScopeType.RbacGroup, "ops"), SpendPeriod.Monthly, true, 3, null),
            "a");
        await limits.DeleteAsync("spl_00000000000000000000000000000005", "a");
        await source.RunAsync("DELETE FROM spend_limits WHERE scope_id = 'eng'");
        var second = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        var kept = await limits.ListAsync([], null, null, 100);
        var third = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: true);
        var all = await limits.ListAsync([], null, null, 100);

        Assert.Equal(
            [LimitOutcome.Kept, LimitOutcome.New, LimitOutcome.New, LimitOutcome.New, LimitOutcome.New],
            Outcomes(first));
        Assert.Equal(
            [LimitOutcome.Kept, LimitOutcome.Changed, LimitOutcome.Kept, LimitOutcome.KeptDeleted], Outcomes(second));
        Assert.Equal(1, second.GoneThere);
        Assert.Equal([7, 60000, 8, 3], kept.Select(limit => limit.AmountCents));
        Assert.Equal(
            [LimitOutcome.Overwritten, LimitOutcome.Equal, LimitOutcome.Overwritten, LimitOutcome.Overwritten],
            Outcomes(third));
        Assert.Equal([50000, 60000, 8, null, 0], all.Select(limit => limit.AmountCents));
        Assert.Equal(own.After!.Id, all[0].Id);
        Assert.Equal("spl_00000000000000000000000000000005", all[4].Id);
        var last = (await limits.ListAuditAsync(null, 1))[0];
        Assert.Equal(("import", "spl_00000000000000000000000000000005"), (last.Actor, last.TargetId));
    }

    [Fact]
    public async Task Two_sources_add_up_and_a_copy_of_one_is_the_same_one()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        var one = await ReferenceDatabase.CreateAsync();
        var copy = await ReferenceDatabase.CreateAsync();
        var other = await ReferenceDatabase.CreateAsync();
        await other.RunAsync("UPDATE _migrations SET applied_at = applied_at + interval '1 day'");

        await Importer(store).ApplyAsync(await one.ReadAsync(), overwrite: false);
        await Importer(store).ApplyAsync(await copy.ReadAsync(), overwrite: false);
        await Importer(store).ApplyAsync(await other.ReadAsync(), overwrite: false);

        Assert.Equal(30_000_600_000, await CounterAsync(store, "amy", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
    }

    [Fact]
    public async Task One_database_may_hold_the_tables_of_both()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        var source = await ReferenceDatabase.CreateAsync(store.Config.PostgresUrl!.Reveal());

        var plan = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);

        Assert.Equal(5, plan.Limits.Count(step => step.Outcome == LimitOutcome.New));
        Assert.Equal(15_000_300_000, await CounterAsync(store, "amy", SpendPeriod.Monthly, new DateOnly(2026, 9, 1)));
    }

    [Fact]
    public async Task Somebody_seen_here_later_stays_as_he_is_here()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        var source = await ReferenceDatabase.CreateAsync();
        await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
        await store.Database.ExecuteOnceAsync(
            "UPDATE gw_spend_principal SET name = 'Amy Later', seen_at = $1 WHERE sub = 'amy'",
            new DateTimeOffset(2026, 10, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds());
        await source.RunAsync(
            "UPDATE principal_emails SET name = 'Robert', updated_at = '2026-02-01+00' WHERE principal = 'Bob'");

        var plan = await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: true);

        var people = await new SpendPrincipalStore(store.Database).FindAsync(["amy", "Bob"]);
        Assert.Equal(("Amy Later", "Robert"), (people["amy"].Name, people["Bob"].Name));
        Assert.Equal((1, 1, 3), (plan.Identities.NewerHere, plan.Identities.Newer.Count, plan.Identities.Equal));
    }

    [Fact]
    public async Task Sums_that_do_not_come_out_undo_everything()
    {
        await using var store = await TestStore.OpenAsync(TestStore.Postgres);
        var source = await ReferenceDatabase.CreateAsync();
        var here = new ReferenceDatabase(store.Config.PostgresUrl!.Reveal());
        await here.RunAsync(
            """
            CREATE FUNCTION less() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN NEW.amount := NEW.amount - 1; RETURN NEW; END';
            CREATE TRIGGER less BEFORE UPDATE ON gw_spend_counter FOR EACH ROW WHEN (NEW.amount = 7250000000)
              EXECUTE FUNCTION less();
            """);
        var before = await DumpAsync(store);

        var e = await Assert.ThrowsAsync<OperatorException>(
            async () => await Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false));

        Assert.Contains("the counters here grew by", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, await DumpAsync(store));
    }

    [Fact]
    public async Task A_dry_run_on_a_new_store_makes_no_table()
    {
        var source = await ReferenceDatabase.CreateAsync();
        var url = await PostgresServer.NewDatabaseAsync();
        using var folder = new TemporaryFolder();

        var (code, output, errors) = await ImportCommandTests.RunAsync(folder, url, source.Url);

        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("limits    5: 5 new", output, StringComparison.Ordinal);
        var e = await Assert.ThrowsAsync<PostgresException>(
            () => new ReferenceDatabase(url).RunAsync("SELECT 1 FROM gw_migration"));
        Assert.Equal(PostgresErrorCodes.UndefinedTable, e.SqlState);
    }

    internal static Importer Importer(TestStore store) =>
        new(store.Database, TimeProvider.System, store.Log, static _ => { });

    private static SpendLimitStore Limits(TestStore store) => new(store.Database, "test", TimeProvider.System);

    private static IEnumerable<LimitOutcome> Outcomes(ImportPlan plan) => plan.Limits.Select(step => step.Outcome);

    private static SpendLimitDraft Draft(string sub, SpendPeriod period, long cents) =>
        new(new SpendScope(SpendScopeType.User, sub), period, true, cents, null);

    private static async Task<long?> CounterAsync(
        TestStore store, string id, SpendPeriod period, DateOnly start, CounterKind kind = CounterKind.User) =>
        await store.Database.FirstAsync<long?>(
            "SELECT amount FROM gw_spend_counter WHERE key = $1 AND period = $2 AND start_day = $3",
            static row => row.GetInt64(0),
            CounterKey.Of(kind, id).ToBytes(),
            (int)period,
            start.DayNumber);

    /// <summary>Every row of every table that an import writes to.</summary>
    private static async Task<string> DumpAsync(TestStore store)
    {
        var lines = new List<string>();
        foreach (var table in Tables)
        {
            var rows = await store.Database.AllAsync($"SELECT * FROM {table}", static row =>
            {
                var values = new object[row.FieldCount];
                row.GetValues(values);
                return string.Join(
                    '|', values.Select(value => value is byte[] bytes ? Convert.ToHexString(bytes) : value));
            });
            lines.AddRange(rows.Order(StringComparer.Ordinal).Select(row => $"{table} {row}"));
        }

        return string.Join('\n', lines);
    }
}
