using ClaudeGateway.Composition;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>What a replica and the store tell each other, on both stores.</summary>
public sealed class SpendRoundTests
{
    private static readonly DateOnly Today = SpendPeriods.Day(TimeProvider.System.GetUtcNow());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answers_with_the_totals_of_all_replicas(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var alice = new SpendCounter(CounterKind.User, "alice");
        await Round(database, "one").RunAsync(Batch(1, alice, 30), []);
        var answer = await Round(database, "two").RunAsync(Batch(1, alice, 12), []);
        Assert.True(answer.IsApplied);
        Assert.All(
            SpendPeriods.All,
            period => Assert.Equal(Money.FromCents(42), answer.Totals.Single(total => total.Period == period).Amount));
        var read = await Round(database, "three").RunAsync(null, [alice, new SpendCounter(CounterKind.User, "bob")]);
        Assert.Equal(3, read.Totals.Count);
        Assert.All(read.Totals, total => Assert.Equal((alice.Key, Money.FromCents(42)), (total.Key, total.Amount)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_batch_that_is_sent_again_is_counted_once(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var round = Round(database, "one");
        var alice = new SpendCounter(CounterKind.User, "alice");
        Assert.True((await round.RunAsync(Batch(1, alice, 30), [])).IsApplied);
        Assert.False((await round.RunAsync(Batch(1, alice, 30), [])).IsApplied);
        Assert.True((await round.RunAsync(Batch(2, alice, 1), [])).IsApplied);
        Assert.Equal(Money.FromCents(31), (await round.RunAsync(null, [alice])).Totals[0].Amount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Days_of_one_week_are_summed_and_those_of_another_month_are_not(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var alice = new SpendCounter(CounterKind.User, "alice");
        var monday = SpendPeriod.Weekly.Start(Today);
        var batch = new SpendBatch(
            1,
            [
                new(alice, monday, Money.FromCents(1)),
                new(alice, monday.AddDays(1), Money.FromCents(2)),
                new(alice, monday.AddMonths(-2), Money.FromCents(4))],
            []);
        var answer = await Round(database, "one").RunAsync(batch, []);
        Assert.Equal(
            Money.FromCents(3),
            answer.Totals.Single(total => total.Period == SpendPeriod.Weekly && total.Start == monday).Amount);
        Assert.Equal(3, answer.Totals.Count(total => total.Period == SpendPeriod.Daily));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sum_beyond_all_measure_stays_at_the_largest(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var alice = new SpendCounter(CounterKind.User, "alice");
        for (var i = 1; i <= 50; i++)
        {
            await Round(database, "one").RunAsync(new SpendBatch(i, [new(alice, Today, Money.MaxDelta)], []), []);
        }

        Assert.All(
            (await Round(database, "one").RunAsync(null, [alice])).Totals,
            total => Assert.Equal(Money.Max, total.Amount));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Names_of_any_length_and_content_can_be_counted(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var sub = StoredText.Of(new string('ü', 20_000) + "\0'\"\\😀");
        var counter = new SpendCounter(CounterKind.User, sub);
        var identity = new SpendIdentity(sub, null, "O'Brien", ["a\"b", "ü"], Today);
        await Round(database, "one")
            .RunAsync(new SpendBatch(1, [new(counter, Today, Money.FromCents(1))], [identity]), []);
        var principal = (await new SpendPrincipalStore(database).FindAsync([sub]))[sub];
        Assert.Equal(("O'Brien", null, "a\"b,ü"),
            (principal.Name, principal.Email, string.Join(',', principal.Groups)));
        Assert.Equal(sub, Assert.Single(await new SpendPrincipalStore(database).ListAsync(Today)).Sub);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Many_writers_at_once_lose_nothing(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var counters = Enumerable.Range(0, 20).Select(i => new SpendCounter(CounterKind.User, $"u{i}")).ToList();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            var round = Round(database, $"w{writer}");
            for (var i = 1; i <= 10; i++)
            {
                // Each writer names the counters in another order.
                var deltas = counters.OrderBy(counter => (counter.Key.Value + (UInt128)writer) % 7)
                    .Select(counter => new SpendDelta(counter, Today, Money.FromCents(1)));
                await round.RunAsync(new SpendBatch(i, [.. deltas], []), []);
            }
        }));
        var totals = (await Round(database, "w0").RunAsync(null, counters)).Totals;
        Assert.Equal(60, totals.Count);
        Assert.All(totals, total => Assert.Equal(Money.FromCents(40), total.Amount));
    }

    [Fact]
    public async Task Writers_that_see_the_same_people_in_opposite_orders_do_not_stand_in_each_others_way()
    {
        await using var database = await OpenAsync(isPostgres: true);
        var people = Enumerable.Range(0, 400).Select(i => new SpendIdentity($"u{i}", null, null, [], Today)).ToList();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            var round = Round(database, $"w{writer}");
            for (var i = 1; i <= 20; i++)
            {
                var mine = writer % 2 == 0 ? people : people.AsEnumerable().Reverse();
                await round.RunAsync(new SpendBatch(i, [], [.. mine]), []);
            }
        }));
        var undone = await database.FirstAsync(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", static row => row.GetInt64(0));
        Assert.Equal(0, undone);
        var known = await new SpendPrincipalStore(database).FindAsync([.. people.Select(identity => identity.Sub)]);
        Assert.Equal(400, known.Count);
    }

    [Fact]
    public async Task A_round_that_the_store_undoes_for_anothers_sake_is_sent_again()
    {
        await using var database = await OpenAsync(isPostgres: true);
        SpendCounter[] counters =
        [
            .. new[] { "a", "b" }.Select(name => new SpendCounter(CounterKind.User, name))
                .OrderBy(counter => counter.Key.Value),
        ];
        var round = Round(database, "one");
        List<SpendDelta> cents = [.. counters.Select(counter => new SpendDelta(counter, Today, Money.FromCents(1)))];
        await round.RunAsync(new SpendBatch(1, cents, []), []);

        // Somebody else takes the rows in the opposite order, and is not the one who is undone.
        const string waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        const string touch = "UPDATE gw_spend_counter SET amount = amount WHERE key = $1";
        Task<SpendAnswer>? running = null;
        await database.InTransactionAsync(
            async other =>
            {
                await other.ExecuteAsync("SET LOCAL deadlock_timeout = '60s'");
                await other.ExecuteAsync(touch, counters[1].Key.ToBytes());
                running = round.RunAsync(new SpendBatch(2, cents, []), []);
                while (await database.FirstAsync(waiting, static row => row.GetInt64(0)) == 0)
                {
                    Assert.False(running.IsCompleted);
                }

                return await other.ExecuteAsync(touch, counters[0].Key.ToBytes());
            },
            Signal.Timeout);

        Assert.True((await running!.WaitAsync(Signal.Timeout)).IsApplied);
        var totals = (await round.RunAsync(null, counters)).Totals;
        Assert.All(totals, total => Assert.Equal(Money.FromCents(2), total.Amount));
    }

    private static SpendRound Round(Database database, string writer) => new(database, writer, TimeProvider.System);

    private static SpendBatch Batch(long sequence, SpendCounter counter, long cents) =>
        new(sequence, [new(counter, Today, Money.FromCents(cents))], []);

    internal static async Task<Database> OpenAsync(bool isPostgres, string? url = null)
    {
        await using var idp = new FakeIdentityProvider();
        var config = TestConfig.Create(
            idp, [], isPostgres ? url ?? await PostgresServer.NewMigratedDatabaseAsync() : null);
        using var lines = new StderrLines(Stream.Null);
        return await new StoreStartup(
            config,
            StoreTables.Migrations,
            new ProcessEnvironment(new Dictionary<string, string>()),
            TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Error)).OpenAsync(CancellationToken.None);
    }
}
