using ClaudeGateway.Config;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class LimitBookTests
{
    private static readonly string[] Names = ["a", "b", "c", "d"];

    private static readonly Arbitrary<(SpendLimit[] Limits, string[] Groups, bool IsMin)> Situations = (
        from count in Gen.Choose(0, 12)
        from limits in Gen.ArrayOf(Limit(), count)
        from groups in Gen.SubListOf(Names)
        from isMin in Gen.Elements(true, false)
        select (
            limits.DistinctBy(limit => (limit.Scope, limit.Period))
            .Select((limit, i) => limit with { Id = $"spl_{i}", Position = i }).ToArray(),
            groups.ToArray(),
            isMin)).ToArbitrary();

    [Fact]
    public void The_resolved_cap_is_the_one_the_rules_name() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Situations, situation =>
        {
            var book = new LimitBook();
            book.Replace(situation.Limits, 1, 0);
            var resolved = book.Resolve("a", situation.Groups, Mode(situation.IsMin));
            return SpendPeriods.All.All(
                period =>
                    resolved[period] == ByTheRules(situation.Limits, "a", situation.Groups, period, situation.IsMin));
        }));

    [Fact]
    public void The_order_of_a_tokens_groups_does_not_matter() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Situations, situation =>
        {
            var book = new LimitBook();
            book.Replace(situation.Limits, 1, 0);
            return book.Resolve("a", situation.Groups, Mode(situation.IsMin)) == book.Resolve(
                "a", [.. situation.Groups.Reverse()], Mode(situation.IsMin));
        }));

    [Fact]
    public void Changes_one_by_one_lead_where_the_whole_content_leads() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Situations, situation =>
        {
            var whole = new LimitBook();
            whole.Replace(situation.Limits, 1, 0);
            var stepwise = new LimitBook();
            var version = 0L;
            foreach (var limit in situation.Limits)
            {
                // Another cap of the same place first, then gone: the order within one change must not matter.
                stepwise.Apply([("old" + limit.Id, limit with { Id = "old" + limit.Id, AmountCents = 1 })], ++version);
                stepwise.Apply([(limit.Id, limit), ("old" + limit.Id, null)], ++version);
            }

            return Names.All(
                name =>
                    whole.Resolve(name, situation.Groups, GroupLimitMode.Min) == stepwise.Resolve(
                        name, situation.Groups, GroupLimitMode.Min))
                && whole.HasActivePools == stepwise.HasActivePools;
        }));

    [Fact]
    public void A_change_older_than_what_is_known_is_ignored()
    {
        var book = new LimitBook();
        var limit = Cap(SpendScope.Organization, SpendPeriod.Daily, 5);
        book.Apply([(limit.Id, limit)], 2);
        book.Apply([(limit.Id, null)], 1);
        Assert.Equal(limit, book.Resolve("x", [], GroupLimitMode.Min).Daily);
    }

    [Fact]
    public void A_slow_reading_of_everything_does_not_undo_what_came_in_meanwhile()
    {
        var book = new LimitBook();
        var limit = Cap(SpendScope.Organization, SpendPeriod.Daily, 5);
        var known = book.Version;
        book.Apply([(limit.Id, limit)], 3);
        book.Replace([], 2, known);
        Assert.Equal((limit, 3), (book.Resolve("x", [], GroupLimitMode.Min).Daily, book.Version));
    }

    [Fact]
    public void A_store_that_was_set_back_is_believed()
    {
        var book = new LimitBook();
        var limit = Cap(SpendScope.Organization, SpendPeriod.Daily, 5);
        book.Apply([(limit.Id, limit)], 3);
        book.Replace([], 2, known: 3);
        Assert.Equal((null, 2), (book.Resolve("x", [], GroupLimitMode.Min).Daily, book.Version));
    }

    [Fact]
    public void Pools_pay_largest_first_then_by_name_and_a_paused_one_not_at_all()
    {
        var book = new LimitBook();
        book.Replace([Pool("small", 10), Pool("z", 50), Pool("c", 50), Pool("paused", 90, isPaused: true)], 1, 0);
        Assert.Equal(
            ["c", "z", "small"],
            book.ActivePools(["small", "z", "paused", "none", "c", "c"]).Select(pool => pool.Scope.Id));
        Assert.Empty(book.ActivePools(["C"]));
    }

    private static GroupLimitMode Mode(bool isMin) => isMin ? GroupLimitMode.Min : GroupLimitMode.Max;

    private static SpendLimit? ByTheRules(
        SpendLimit[] limits, string sub, string[] groups, SpendPeriod period, bool isMin)
    {
        SpendLimit[] inPeriod = [.. limits.Where(limit => limit.Period == period)];
        var ofGroups = inPeriod.Where(
            limit => limit.Scope.Type == SpendScopeType.RbacGroup && groups.Contains(limit.Scope.Id));
        var ordered = isMin
            ? ofGroups.OrderBy(limit => limit.AmountCents ?? long.MaxValue)
            : ofGroups.OrderByDescending(limit => limit.AmountCents ?? long.MaxValue);
        return inPeriod.FirstOrDefault(limit => limit.Scope == new SpendScope(SpendScopeType.User, sub))
            ?? ordered.ThenBy(limit => limit.Scope.Id, StringComparer.Ordinal).FirstOrDefault()
            ?? inPeriod.FirstOrDefault(limit => limit.Scope == SpendScope.Organization);
    }

    private static Gen<SpendLimit> Limit() =>
        from scope in Gen.OneOf(
            Gen.Elements(Names).Select(name => new SpendScope(SpendScopeType.User, name)),
            Gen.Elements(Names).Select(name => new SpendScope(SpendScopeType.RbacGroup, name)),
            Gen.Constant(SpendScope.Organization))
        from period in Gen.Elements(SpendPeriods.All)
        from amount in Gen.Elements<long?>(null, 0, 1, 2, 3, 999_999_999_999_999_999)
        from pool in Gen.Elements<PooledBudget?>(null, new PooledBudget(5, false), new PooledBudget(5, true))
        select Cap(scope, period, amount) with
        {
            Pool = scope.Type == SpendScopeType.RbacGroup
            && period == SpendPeriod.Monthly ? pool : null
        };

    private static SpendLimit Pool(string group, long cents, bool isPaused = false) =>
        Cap(new SpendScope(SpendScopeType.RbacGroup, group), SpendPeriod.Monthly, 1000) with
        {
            Pool = new PooledBudget(
            cents, isPaused)
        };

    private static SpendLimit Cap(SpendScope scope, SpendPeriod period, long? cents) =>
        new(
            $"spl_{scope.TypeName}_{scope.Id}_{period}",
            1,
            scope,
            period,
            cents,
            null,
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch);
}
