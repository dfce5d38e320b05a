using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.Tests.Config;

namespace ClaudeGateway.Tests.SignIn;

public sealed class BearerGroupsTests
{
    [Fact]
    public void As_many_as_Entra_puts_into_a_token_are_all_kept()
    {
        var groups = Ids(200);
        Assert.Same(groups, Select(groups, _ => false));
    }

    [Fact]
    public void Of_more_each_that_is_named_is_kept_once_and_in_order()
    {
        List<string> groups = [.. Ids(300), "eng", "ops", "eng", "limited"];
        Assert.Equal(["eng", "limited"], Select(groups, group => group == "limited"));
    }

    [Fact]
    public void Sizes_are_those_of_UTF_8() => Assert.Empty(Select([.. Ids(100), new string('é', 2200)], _ => false)!);

    [Fact]
    public void More_named_ones_than_a_header_holds_are_not_cut() => Assert.Null(Select(Ids(600), _ => true));

    private static IReadOnlyList<string>? Select(IReadOnlyList<string> groups, Func<string, bool> hasLimit) =>
        new BearerGroups(
            Yaml.Read(Yaml.With("""{"oidc":{"allowed_groups":["eng"]}}""")).Config!, hasLimit).Select(groups);

    private static List<string> Ids(int count) =>
        [.. Enumerable.Range(0, count).Select(i => $"00000000-0000-0000-0000-{i:d12}")];
}
