using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Cli.Admin.Apply;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Cli.Apply;

public sealed class LimitsPlanTests
{
    private static readonly HashSet<SpendScopeType> All = [.. Enum.GetValues<SpendScopeType>()];

    private static readonly LimitState Organization = State(SpendScope.Organization, "20000");
    private static readonly LimitState Research = State(
        new SpendScope(SpendScopeType.RbacGroup, "research"), "50000", new LimitPool("2000000", false));
    private static readonly LimitState Ann = State(new SpendScope(SpendScopeType.User, "ann"), null);

    [Fact]
    public void What_is_as_the_file_has_it_is_left_alone()
    {
        var plan = LimitsPlan.Of([Organization, Research, Ann], Stored(Ann, Organization, Research), All);
        Assert.Equal((0, 3), (plan.Changes.Count, plan.Unchanged));
        Assert.Equal("No difference: 3 limits are as the file has them.\n", plan.Write(ReportFormat.Table));
        Assert.Equal("[]\n", plan.Write(ReportFormat.Json));
    }

    [Fact]
    public void The_narrower_is_written_first_and_deleted_last()
    {
        LimitState[] limits = [Organization, Research, Ann];
        Assert.Equal(
            ["+ user ann monthly: unlimited", "+ rbac_group research monthly: 500.00, budget 20000.00",
                "+ organization monthly: 200.00", "3 to create, 0 to change, 0 to delete, 0 unchanged."],
            Lines(LimitsPlan.Of(limits, [], All)));
        Assert.Equal(
            ["- organization monthly: 200.00", "- rbac_group research monthly: 500.00, budget 20000.00",
                "- user ann monthly: unlimited", "0 to create, 0 to change, 3 to delete, 0 unchanged."],
            Lines(LimitsPlan.Of([], Stored(Ann, Organization, Research), All)));
    }

    [Fact]
    public void A_change_says_what_it_changes()
    {
        var plan = LimitsPlan.Of(
            [
                Organization with { Amount = "1" },
                Research with { Pool = new LimitPool("2000000", true) },
                Ann with { Amount = "0" },
            ],
            Stored(Organization, Research, Ann),
            All);
        Assert.Equal(
            ["~ user ann monthly: unlimited → 0.00",
                "~ rbac_group research monthly: budget 20000.00 → budget 20000.00 paused",
                "~ organization monthly: 200.00 → 0.01", "0 to create, 3 to change, 0 to delete, 0 unchanged."],
            Lines(plan));
        Assert.Contains(
            "update,rbac_group,research,monthly,\"500.00, budget 20000.00\",\"500.00, budget 20000.00 paused\"",
            plan.Write(ReportFormat.Csv),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Only_scopes_that_may_be_pruned_are_deleted()
    {
        var stored = Stored(Organization, Research, Ann);
        Assert.Empty(LimitsPlan.Of([], stored, new HashSet<SpendScopeType>()).Changes);
        Assert.Equal(
            Research,
            Assert.Single(LimitsPlan.Of([], stored, new HashSet<SpendScopeType> { SpendScopeType.RbacGroup }).Changes)
            .Before!.State);
    }

    [Theory]
    [InlineData(true, "\"pooled_budget\":{\"amount\":null,\"paused\":true}")]
    [InlineData(false, null)]
    public void A_shared_budget_that_the_file_does_not_have_is_cleared(bool had, string? sent)
    {
        var body = (Research with { Pool = null }).ToRequest(had ? Research : null);
        Assert.Equal(sent is not null, body.Contains("pooled_budget", StringComparison.Ordinal));
        Assert.Contains(sent ?? "\"amount\":\"50000\"", body, StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_cannot_steer_a_terminal() =>
        Assert.DoesNotContain(
            '\u001b',
            LimitsPlan.Of([State(new SpendScope(SpendScopeType.User, "a\u001b[2J"), "1")], [], All)
            .Write(ReportFormat.Table));

    private static string[] Lines(LimitsPlan plan) => plan.Write(ReportFormat.Table).TrimEnd('\n').Split('\n');

    private static StoredLimit[] Stored(params LimitState[] limits) =>
        [.. limits.Select((limit, i) => new StoredLimit($"spl_{i}", limit))];

    private static LimitState State(SpendScope scope, string? amount, LimitPool? pool = null) =>
        new(new LimitTarget(scope, SpendPeriod.Monthly), amount, pool);
}
