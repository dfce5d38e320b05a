using System.Globalization;
using ClaudeGateway.Import;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Import;

public sealed class ImportPlanTests
{
    private static readonly SpendRowKey Row = new(CounterKey.Of(CounterKind.User, "amy"), SpendPeriod.Daily, 739_000);

    /// <summary>Amounts: there, here and at the last import; "-" is none, "*" unlimited.</summary>
    [Theory]
    [InlineData("5", "-", "-", nameof(LimitOutcome.New), nameof(LimitOutcome.New))]
    [InlineData("5", "-", "5", nameof(LimitOutcome.KeptDeleted), nameof(LimitOutcome.Overwritten))]
    [InlineData("5", "5", "-", nameof(LimitOutcome.Equal), nameof(LimitOutcome.Equal))]
    [InlineData("5", "5", "4", nameof(LimitOutcome.Equal), nameof(LimitOutcome.Equal))]
    [InlineData("5", "4", "4", nameof(LimitOutcome.Changed), nameof(LimitOutcome.Changed))]
    [InlineData("5", "4", "-", nameof(LimitOutcome.Kept), nameof(LimitOutcome.Overwritten))]
    [InlineData("5", "4", "5", nameof(LimitOutcome.Kept), nameof(LimitOutcome.Overwritten))]
    [InlineData("5", "4", "3", nameof(LimitOutcome.Kept), nameof(LimitOutcome.Overwritten))]
    [InlineData("0", "*", "-", nameof(LimitOutcome.Kept), nameof(LimitOutcome.Overwritten))]
    [InlineData("*", "*", "0", nameof(LimitOutcome.Equal), nameof(LimitOutcome.Equal))]
    [InlineData("0", "*", "*", nameof(LimitOutcome.Changed), nameof(LimitOutcome.Changed))]
    public void A_limit_goes_by_three_values(
        string there, string here, string before, string outcome, string outcomeWhenOverwriting)
    {
        Assert.Equal(outcome, Outcome(overwrite: false));
        Assert.Equal(outcomeWhenOverwriting, Outcome(overwrite: true));

        string Outcome(bool overwrite) => ImportPlan.ForLimits(
            Data(limits: [Limit("spl_there", there)]),
            here == "-" ? [] : [Limit("spl_here", here)],
            before == "-" ? [] : new Dictionary<string, string>
            {
                ["spl_there"] = ImportPlan.Value(Limit("spl_there", before)),
            },
            overwrite)[0].Outcome.ToString();
    }

    [Fact]
    public void Budgets_and_their_pause_are_part_of_a_limit()
    {
        var there = Limit("spl_there", "5") with { Pool = new PooledBudget(9, false) };
        Assert.Equal(LimitOutcome.Kept, Against(there with { Pool = new PooledBudget(9, true) }));
        Assert.Equal(LimitOutcome.Kept, Against(there with { Pool = null }));
        Assert.Equal(LimitOutcome.Equal, Against(there with { Id = "spl_here" }));

        LimitOutcome Against(SpendLimit here) =>
            ImportPlan.ForLimits(Data(limits: [there]), [here], new Dictionary<string, string>(), false)[0].Outcome;
    }

    [Fact]
    public void An_id_that_belongs_to_another_limit_here_is_refused()
    {
        var other = Limit("spl_1", "5") with { Period = SpendPeriod.Daily };
        Assert.Throws<OperatorException>(() => ImportPlan.ForLimits(
            Data(limits: [Limit("spl_1", "5")]), [other], new Dictionary<string, string>(), true));
    }

    [Theory]
    [InlineData(null, 7, 7, true)]
    [InlineData(null, 0, 0, true)]
    [InlineData(7L, 7, 0, false)]
    [InlineData(0L, 0, 0, false)]
    [InlineData(5L, 7, 2, true)]
    [InlineData(9L, 7, 0, false)]
    public void A_total_grows_by_what_it_has_more_than_at_the_last_import(
        long? before, long now, long added, bool writes)
    {
        Dictionary<SpendRowKey, long> imported = before is { } amount ? new() { [Row] = amount } : [];
        var gone = Row with { StartDay = 1 };
        imported[gone] = 100;

        var plan = ImportPlan.ForSpend(
            Data(spend: [new ReferenceSpend(Row, CounterKind.User, new Money(now))]), imported);

        Assert.Equal(writes ? [new SpendAddition(Row, added)] : [], plan.Additions);
        Assert.Equal(100 + Math.Max(before ?? 0, now), plan.Imported);
        var step = plan.Steps[(CounterKind.User, SpendPeriod.Daily)];
        Assert.Equal((1, now, added), (step.Count, (long)step.Total, (long)step.ToAdd));
    }

    [Fact]
    public void Sums_of_many_full_totals_do_not_overflow()
    {
        var rows = Enumerable.Range(0, 1000)
            .Select(day => new ReferenceSpend(Row with { StartDay = day }, CounterKind.User, Money.Max)).ToList();

        var plan = ImportPlan.ForSpend(Data(spend: rows), new Dictionary<SpendRowKey, long>());

        Assert.Equal(9_000_000_000_000_000_000_000m, plan.Imported);
        Assert.Equal("9000000000000", ImportLedger.Cents(plan.Imported));
    }

    [Fact]
    public void People_go_by_who_saw_them_last()
    {
        var here = new[] { Person("equal", 5), Person("older", 4), Person("newer", 6) };

        var plan = ImportPlan.ForIdentities(
            Data(people: [Person("equal", 5), Person("older", 5), Person("newer", 5), Person("new", 5)]),
            here.ToDictionary(one => one.Sub));

        Assert.Equal(
            ("new", "older", 1, 1), (plan.New.Single().Sub, plan.Newer.Single().Sub, plan.Equal, plan.NewerHere));
    }

    private static ReferenceIdentity Person(string sub, long seenAt) => new(sub, null, null, [], seenAt);

    private static SpendLimit Limit(string id, string amount) => new(
        id,
        0,
        new SpendScope(SpendScopeType.RbacGroup, "eng"),
        SpendPeriod.Monthly,
        amount == "*" ? null : long.Parse(amount, CultureInfo.InvariantCulture),
        null,
        DateTimeOffset.UnixEpoch,
        DateTimeOffset.UnixEpoch);

    private static ReferenceData Data(
        IReadOnlyList<SpendLimit>? limits = null,
        IReadOnlyList<ReferenceSpend>? spend = null,
        IReadOnlyList<ReferenceIdentity>? people = null) =>
        new(1, limits ?? [], spend ?? [], people ?? [], [], 0, []);
}
