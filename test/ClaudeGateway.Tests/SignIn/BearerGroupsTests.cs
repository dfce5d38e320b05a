using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.Tests.Config;

namespace ClaudeGateway.Tests.SignIn;

public sealed class BearerGroupsTests
{
    [Theory]
    [InlineData(200, true)]
    [InlineData(4000, false)]
    public void All_are_kept_that_have_room(int count, bool areOfGraph)
    {
        var groups = Ids(count);
        Assert.Same(groups, Select(groups, areOfGraph, _ => false));
    }

    [Theory]
    [InlineData(300, true)]
    [InlineData(5000, false)]
    public void Of_more_each_that_is_named_is_kept_once_and_in_order(int count, bool areOfGraph)
    {
        List<string> groups = [.. Ids(count), "eng", "ops", "eng", "limited"];
        Assert.Equal(["eng", "limited"], Select(groups, areOfGraph, group => group == "limited"));
    }

    [Fact]
    public void Sizes_are_those_of_UTF_8() =>
        Assert.Empty(Select([.. Ids(100), new string('é', 2200)], areOfGraph: true, _ => false)!);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void More_named_ones_than_a_header_holds_are_not_cut(bool areOfGraph) =>
        Assert.Null(Select(Ids(5000), areOfGraph, _ => true));

    private static IReadOnlyList<string>? Select(
        IReadOnlyList<string> groups, bool areOfGraph, Func<string, bool> hasLimit)
    {
        var config = Yaml.Read(Yaml.With("""{"oidc":{"allowed_groups":["eng"]}}""")).Config!;
        return new BearerGroups(config, hasLimit).Select(groups, areOfGraph);
    }

    private static List<string> Ids(int count) =>
        [.. Enumerable.Range(0, count).Select(i => $"00000000-0000-0000-0000-{i:d12}")];
}
