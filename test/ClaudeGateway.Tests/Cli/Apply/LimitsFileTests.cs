using System.Text;
using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Cli.Admin.Apply;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Cli.Apply;

public sealed class LimitsFileTests
{
    [Fact]
    public void The_members_are_those_of_the_admin_API()
    {
        var limits = Read(
            """
            limits:
              - scope: { type: organization }
                amount: "020000"
                currency: USD
              - scope: { type: rbac_group, rbac_group_id: research }
                amount: 50000
                period: monthly
                pooled_budget: { amount: "2000000", paused: true }
              - scope: { type: user, user_id: 4711 }
                amount: null
                period: daily
                pooled_budget: null
            """);
        Assert.Equal(
            [
                State(SpendScope.Organization, SpendPeriod.Monthly, "20000"),
                State(Group("research"), SpendPeriod.Monthly, "50000", new LimitPool("2000000", true)),
                State(User("4711"), SpendPeriod.Daily, null),
            ],
            limits);
    }

    [Fact]
    public void JSON_is_read_too() => Assert.Equal(
        State(Group("g"), SpendPeriod.Weekly, "0"),
        Assert.Single(Read(
            """{"limits":[{"scope":{"type":"rbac_group","rbac_group_id":"g"},"period":"weekly","amount":"0"}]}""")));

    [Fact]
    public void An_empty_list_is_no_problem() => Assert.Empty(Read("limits: []"));

    [Theory]
    [InlineData("", "1:1 expected 'limits:' and a list")]
    [InlineData("[]", "1:1 expected 'limits:' and a list")]
    [InlineData("{}", "1:1 limits: is required; 'limits: []' means that there are none")]
    [InlineData("limit: []", "1:1 limit: unknown key; did you mean 'limits'?")]
    [InlineData("limits:", "1:8 limits: must be a list")]
    [InlineData("limits: {}", "1:9 limits: must be a list")]
    [InlineData("limits: [5]", "1:10 limits[0]: must be a mapping")]
    [InlineData("limits: [\n", "not YAML")]
    [InlineData("limits: []\nlimits: []", "2:1 key 'limits' is given twice")]
    public void A_file_of_another_form_is_told_so(string yaml, string problem) =>
        Assert.Contains(Problems(yaml), line => line.Contains("limits.yaml:" + problem, StringComparison.Ordinal)
            || line.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("amount: '1'", "2:5 limits[0].scope: is required")]
    [InlineData("scope: { type: organization }", "2:5 limits[0].amount: is required")]
    [InlineData("scope: organization", "2:12 limits[0].scope: must be a mapping")]
    [InlineData(
        "scope: { type: usr }",
        "limits[0].scope.type: must be user, rbac_group or organization; did you mean 'user'?")]
    [InlineData("scope: { user_id: a }", "limits[0].scope.type: must be user, rbac_group or organization")]
    [InlineData("scope: { type: user }", "limits[0].scope.user_id: is required")]
    [InlineData("scope: { type: user, user_id: '' }", "limits[0].scope.user_id: must be text")]
    [InlineData("scope: { type: user, user_id: true }", "limits[0].scope.user_id: must be text")]
    [InlineData(
        "scope: { type: user, user_id: a, rbac_group_id: b }",
        "limits[0].scope.rbac_group_id: is not for the type user")]
    [InlineData(
        "scope: { type: organization, user_id: a }",
        "limits[0].scope.user_id: is not for the type organization")]
    [InlineData("scope: { typ: user }", "limits[0].scope.typ: unknown key; did you mean 'type'?")]
    [InlineData("ammount: '1'", "2:5 limits[0].ammount: unknown key; did you mean 'amount'?")]
    [InlineData("amount: 12.50", "2:13 limits[0].amount: must be whole cents, such as \"20000\" for 200 dollars")]
    [InlineData("amount: $12", "limits[0].amount: must be whole cents")]
    [InlineData("amount: -5", "limits[0].amount: must be whole cents")]
    [InlineData("amount: 1e3", "limits[0].amount: must be whole cents")]
    [InlineData("amount: 1234567890123456789", "limits[0].amount: must be whole cents")]
    [InlineData("amount: ''", "limits[0].amount: must be whole cents")]
    [InlineData("amount: [1]", "limits[0].amount: must be whole cents")]
    [InlineData("period: montly", "limits[0].period: must be daily, weekly or monthly; did you mean 'monthly'?")]
    [InlineData("currency: EUR", "limits[0].currency: must be USD")]
    public void Each_mistake_is_named_with_its_place(string member, string problem) =>
        Assert.Contains(
            Problems("limits:\n  - " + member),
            line => line.StartsWith("limits.yaml:", StringComparison.Ordinal)
                && line.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("organization", "monthly", "'1'", "{ amount: '5' }", "is for the monthly limit of a group alone")]
    [InlineData(
        "rbac_group, rbac_group_id: g", "daily", "'1'", "{ amount: '5' }",
        "is for the monthly limit of a group alone")]
    [InlineData("rbac_group, rbac_group_id: g", "monthly", "'1'", "{}", "needs an amount, unless it is paused")]
    [InlineData(
        "rbac_group, rbac_group_id: g", "monthly", "null", "{ amount: '5' }",
        "needs an amount of the limit itself")]
    [InlineData(
        "rbac_group, rbac_group_id: g", "monthly", "'1'", "{ amount: x }",
        "pooled_budget.amount: must be whole cents")]
    [InlineData(
        "rbac_group, rbac_group_id: g", "monthly", "'1'", "{ amount: '5', paused: 1 }",
        "pooled_budget.paused: must be true")]
    [InlineData(
        "rbac_group, rbac_group_id: g", "monthly", "'1'", "{ amont: '5' }",
        "pooled_budget.amont: unknown key; did you mean")]
    [InlineData("rbac_group, rbac_group_id: g", "monthly", "'1'", "7", "pooled_budget: must be a mapping")]
    public void A_shared_budget_holds_the_rules_of_the_API(
        string scope, string period, string amount, string pool, string problem) =>
        Assert.Contains(
            Problems(
                $"limits: [{{ scope: {{ type: {scope} }}, period: {period}, amount: {amount}, pooled_budget: {pool} }}]"),
            line => line.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void Every_problem_is_told_in_the_order_of_the_file()
    {
        var problems = Problems(
            """
            limits:
              - scope: { type: organization }
                amount: 1.5
              - scope: { type: user, user_id: a }
                amount: "1"
              - scope: { type: user, user_id: a }
                amount: "2"
                period: monthly
              - scope: { type: grup }
                amount: "2"
            """);
        Assert.Equal(
            [
                "limits.yaml:3:13 limits[0].amount: must be whole cents, such as \"20000\" for 200 dollars, or null for no limit",
                "limits.yaml:6:5 limits[2]: user a monthly is given twice, first at line 4",
                "limits.yaml:9:20 limits[3].scope.type: must be user, rbac_group or organization",
            ],
            problems.Select(line => line.Split("; did")[0]));
    }

    [Fact]
    public void What_is_exported_reads_back_whatever_ids_hold()
    {
        LimitState[] limits =
        [
            State(SpendScope.Organization, SpendPeriod.Weekly, "0"),
            State(User("a: \"b\" # ${HOME} 'c' \\ ü 😀 \n\t\u2028 \u0085"), SpendPeriod.Daily, null),
            State(User("null"), SpendPeriod.Monthly, "999999999999999999"),
            State(User("- x"), SpendPeriod.Monthly, "1"),
            State(Group("{a}, [b] *c &d"), SpendPeriod.Monthly, "100", new LimitPool("0", false)),
            State(Group("true"), SpendPeriod.Monthly, null, new LimitPool("100", true)),
        ];
        Assert.Equal(limits, Read(ExportCommand.Yaml(limits)));
        Assert.Empty(Read(ExportCommand.Yaml([])));
    }

    private static LimitState[] Read(string yaml)
    {
        var (limits, problems) = LimitsFile.Read("limits.yaml", Encoding.UTF8.GetBytes(yaml));
        Assert.Empty(problems);
        return [.. limits.Select(limit => limit.State)];
    }

    private static IReadOnlyList<string> Problems(string yaml) =>
        LimitsFile.Read("limits.yaml", Encoding.UTF8.GetBytes(yaml)).Problems;

    private static LimitState State(SpendScope scope, SpendPeriod period, string? amount, LimitPool? pool = null) =>
        new(new LimitTarget(scope, period), amount, pool);

    private static SpendScope User(string id) => new(SpendScopeType.User, id);

    private static SpendScope Group(string id) => new(SpendScopeType.RbacGroup, id);
}
