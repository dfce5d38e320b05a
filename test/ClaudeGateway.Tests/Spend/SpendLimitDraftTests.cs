using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Spend;

public sealed class SpendLimitDraftTests
{
    private static readonly DateTimeOffset Then = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SpendScope Group = new(SpendScopeType.RbacGroup, "eng");

    [Fact]
    public void A_replaced_cap_keeps_id_place_and_birth()
    {
        var stored = Merge(null, amount: 5);
        var replaced = Draft(amount: 7).Merge(stored, 99, () => "spl_new", Then.AddDays(1)).Limit!;
        Assert.Equal(
            (stored.Id, stored.Position, stored.CreatedAt), (replaced.Id, replaced.Position, replaced.CreatedAt));
        Assert.Equal((7, Then.AddDays(1)), (replaced.AmountCents, replaced.UpdatedAt));
    }

    [Fact]
    public void A_budget_may_be_changed_without_repeating_the_amount()
    {
        var stored = Merge(null, amount: 700, pool: new PooledBudgetDraft(100, false, null));
        var changed = Merge(stored, pool: new PooledBudgetDraft(90, false, null));
        Assert.Equal((700, 90), (changed.AmountCents, changed.Pool!.AmountCents));
        Assert.Equal(new PooledBudget(90, true), Merge(changed, pool: new PooledBudgetDraft(null, false, true)).Pool);
        Assert.Equal(90, Merge(changed, amount: 800).Pool!.AmountCents);
    }

    [Fact]
    public void A_cleared_budget_is_forgotten_with_its_pause()
    {
        var stored = Merge(null, amount: 700, pool: new PooledBudgetDraft(100, false, true));
        var cleared = Merge(stored, pool: new PooledBudgetDraft(null, true, null));
        Assert.Null(cleared.Pool);
        Assert.Equal(new PooledBudget(0, false), Merge(cleared, pool: new PooledBudgetDraft(0, false, null)).Pool);
    }

    [Theory]
    [InlineData(false, true, false, "paused")]
    [InlineData(true, true, false, "needs an amount")]
    [InlineData(true, false, false, "needs amount (each member's own limit)")]
    public void An_active_budget_needs_both_amounts(bool clears, bool hasMemberAmount, bool isPaused, string expected)
    {
        var stored = Merge(null, amount: 700, pool: new PooledBudgetDraft(100, false, null));
        var pool = clears && hasMemberAmount
            ? new PooledBudgetDraft(null, true, null)
            : new PooledBudgetDraft(null, false, clears ? isPaused : true);
        var (limit, problem) = new SpendLimitDraft(Group, SpendPeriod.Monthly, !hasMemberAmount, null, pool)
            .Merge(stored, 1, () => "x", Then);
        Assert.Contains(expected, problem ?? (limit!.Pool!.IsPaused ? "paused" : ""), StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_belongs_to_a_groups_month()
    {
        var pool = new PooledBudgetDraft(5, false, null);
        Assert.Contains(
            "group-level",
            new SpendLimitDraft(SpendScope.Organization, SpendPeriod.Monthly, true, 5, pool).Problem(),
            StringComparison.Ordinal);
        Assert.Contains(
            "monthly only",
            new SpendLimitDraft(Group, SpendPeriod.Daily, true, 5, pool).Problem(),
            StringComparison.Ordinal);
        Assert.Null(new SpendLimitDraft(Group, SpendPeriod.Monthly, true, 5, pool).Problem());
        Assert.Null(
            new SpendLimitDraft(
                SpendScope.Organization,
                SpendPeriod.Monthly,
                true,
                5,
                new PooledBudgetDraft(null, false, null)).Problem());
    }

    [Fact]
    public void Clearing_a_budget_that_is_not_there_changes_nothing() =>
        Assert.Null(Merge(null, amount: 5, pool: new PooledBudgetDraft(null, true, null)).Pool);

    [Fact]
    public void The_amount_may_be_left_out_only_beside_a_budget()
    {
        var stored = Merge(null, amount: 5, pool: new PooledBudgetDraft(9, false, null));

        Assert.Equal("amount: Required", Draft().Merge(stored, 1, () => "x", Then).Problem);
        Assert.Equal(5, Merge(stored, pool: new PooledBudgetDraft(null, false, null)).AmountCents);
    }

    [Fact]
    public void A_new_cap_needs_an_amount()
    {
        Assert.Equal("amount: Required", Draft().Merge(null, 1, () => "x", Then).Problem);
        Assert.StartsWith(
            "This spend limit doesn't exist yet",
            Draft(pool: new PooledBudgetDraft(null, false, null)).Merge(null, 1, () => "x", Then).Problem,
            StringComparison.Ordinal);
    }

    private static SpendLimit Merge(SpendLimit? stored, long? amount = null, PooledBudgetDraft? pool = null) =>
        Draft(amount, pool).Merge(stored, 1, () => "spl_1", Then).Limit!;

    private static SpendLimitDraft Draft(long? amount = null, PooledBudgetDraft? pool = null) =>
        new(Group, SpendPeriod.Monthly, amount is not null, amount, pool);
}
