using ClaudeGateway.Managed;

namespace ClaudeGateway.Tests.Managed;

public sealed class PolicySelectorTests
{
    private const string ByGroupAndDomain = """
        [{"match":{"groups":["a","b"],"email_domain":"corp.com"}},{"match":{"email_domain":"@Example.COM "}},
         {"match":{"groups":["b","Ops"]}},{"match":{"groups":["ops"]}},{"match":{}}]
        """;

    [Theory]
    [InlineData("b", "x@corp.com", 0)]
    [InlineData("b", "x@other.com", 2)]
    [InlineData("z", "x@corp.com", 4)]
    [InlineData("", "X@EXAMPLE.com", 1)]
    [InlineData("b", "x@example.com", 1)]
    [InlineData("", "x@eu.example.com", 4)]
    [InlineData("", "\"a@example.com\"@other.com", 4)]
    [InlineData("Ops", "x@o.com", 2)]
    [InlineData("ops", "x@o.com", 3)]
    [InlineData("OPS", "x@o.com", 4)]
    [InlineData("z", null, 4)]
    [InlineData("", "no-at-sign", 4)]
    public void The_first_policy_whose_conditions_all_hold_is_used(string groups, string? email, int index) =>
        Assert.Equal(index, Select(ByGroupAndDomain, groups, email)!.Index);

    [Fact]
    public void A_match_lies_over_the_first_catch_all()
    {
        const string Policies = """[{"match":{"groups":["a"]}},{},{"match":{"groups":["late"]}},{"match":{}}]""";

        Assert.Equal([1, 0], Select(Policies, "a")!.Layers);
        Assert.Equal([1], Select(Policies, "late")!.Layers);
        Assert.Null(Select(Policies, "a")!.ReportedIndexes);
    }

    [Fact]
    public void Without_a_catch_all_the_others_match_nothing() =>
        Assert.Null(Select("""[{"match":{"groups":["a"]}}]""", "b"));

    [Theory]
    [InlineData("a", "2,0", null)]
    [InlineData("b", "2,1", null)]
    [InlineData("b,a", "2,1,0", "0,1,2")]
    [InlineData("", "2", null)]
    public void Layered_uses_every_match_and_reports_them_when_there_are_several(
        string groups, string layers, string? reported)
    {
        var selection = Select(
            """[{"match":{"groups":["a"]}},{"match":{"groups":["b"]}},{}]""", groups, mode: "layered")!;

        Assert.Equal(layers, string.Join(',', selection.Layers));
        Assert.Equal(reported, selection.ReportedIndexes is null ? null : string.Join(',', selection.ReportedIndexes));
    }

    [Fact]
    public void A_catch_all_in_first_place_ends_the_list_in_layered_too() =>
        Assert.Equal([0], Select("""[{},{"match":{"groups":["b"]}},{}]""", "b", mode: "layered")!.Layers);

    private static PolicySelection? Select(
        string policies, string groups, string? email = "x@o.com", string mode = "first_match")
    {
        var managed = Policies.Managed(policies, mode);
        return new PolicySelector(managed.Policies, managed.PolicyMode)
            .Select(Policies.Developer(email, groups.Split(',', StringSplitOptions.RemoveEmptyEntries)));
    }
}
