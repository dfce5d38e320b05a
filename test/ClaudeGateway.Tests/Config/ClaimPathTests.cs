using ClaudeGateway.Config;

namespace ClaudeGateway.Tests.Config;

public sealed class ClaimPathTests
{
    [Theory]
    [InlineData("$.groups")]
    [InlineData("$._")]
    [InlineData("$.__proto__")]
    [InlineData("$['https://x.example/groups'][*]['name']")]
    [InlineData("$['a\"b']['é'][' ']['a]b']['a\u007fb\u2028c']")]
    [InlineData("$.groups[?@.type=='team'].name")]
    [InlineData("$.groups[?@.a == 'x'].n")]
    [InlineData("$.groups[?@.a =='x'][?@.b== 'y']")]
    [InlineData("$.groups[?@.a==''].n")]
    [InlineData("$.groups[?@.a=='b\"c é']")]
    [InlineData("$.a[*][*][*]")]
    public void A_path_is_taken_as_written(string text)
    {
        Assert.Null(ClaimPath.ProblemOf(text));
        Assert.Equal(text, ClaimPath.Parse(text).Text);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("$", 2)]
    [InlineData("groups", 1)]
    [InlineData("/groups", 1)]
    [InlineData("@.a", 1)]
    [InlineData(" $.groups", 1)]
    [InlineData("$ .groups", 2)]
    [InlineData("$..name", 3)]
    [InlineData("$.*", 3)]
    [InlineData("$.9x", 3)]
    [InlineData("$.é", 3)]
    [InlineData("$.$a", 3)]
    [InlineData("$.a.", 5)]
    [InlineData("$.a-b", 4)]
    [InlineData("$.groups ", 9)]
    [InlineData("$.groups\n", 9)]
    [InlineData("$.groups.[*]", 10)]
    [InlineData("$[*].x", 2)]
    [InlineData("$[?@.a=='b']", 2)]
    [InlineData("$.groups[0].name", 9)]
    [InlineData("$.groups[-1]", 9)]
    [InlineData("$.groups[1:2]", 9)]
    [InlineData("$.groups[ * ]", 9)]
    [InlineData("$.groups[*", 9)]
    [InlineData("$.groups]", 9)]
    [InlineData("$.groups['a','b']", 9)]
    [InlineData("$['']", 2)]
    [InlineData("$['it\\'s']", 2)]
    [InlineData("$['\\\\']", 2)]
    [InlineData("$['a\tb']", 2)]
    [InlineData("$['a", 2)]
    [InlineData("$[\"groups\"]", 2)]
    [InlineData("$.groups[?(@.type=='x')].name", 9)]
    [InlineData("$.groups[?@.type==\"x\"].name", 9)]
    [InlineData("$.groups[?@['a']=='x']", 9)]
    [InlineData("$.groups[? @.a=='x']", 9)]
    [InlineData("$.groups[?@.a=='x' ]", 9)]
    [InlineData("$.groups[?@.a  == 'x']", 9)]
    [InlineData("$.groups[?@.a\t=='x']", 9)]
    [InlineData("$.groups[?@.a]", 9)]
    [InlineData("$.groups[?@.a!='x']", 9)]
    [InlineData("$.groups[?@.a='x']", 9)]
    [InlineData("$.groups[?@.a=== 'x']", 9)]
    [InlineData("$.groups[?@.a.b=='x']", 9)]
    [InlineData("$.groups[?@.a=='x'&&@.b=='y']", 9)]
    [InlineData("$.groups[?@.a=='x\ny']", 9)]
    [InlineData("$.groups[?@.a=='b\\c']", 9)]
    public void Anything_else_is_refused_with_the_character_where_it_ends(string text, int character) =>
        Assert.StartsWith(
            $"cannot be read at character {character}: ", ClaimPath.ProblemOf(text), StringComparison.Ordinal);

    [Fact]
    public void The_file_names_the_key_and_what_is_allowed()
    {
        var error = Assert.Single(Read("\"groups_jsonpath\":\"$.groups[0]\"").Errors);
        Assert.Contains("oidc.groups_jsonpath: cannot be read at character 9", error, StringComparison.Ordinal);
        Assert.Contains("[?@.name=='text']", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("roles", false)]
    [InlineData("/groups", false)]
    [InlineData("groups", true)]
    public void Groups_are_read_in_one_way(string claim, bool fits)
    {
        var result = Read($"\"groups_jsonpath\":\"$.groups\",\"groups_claim\":\"{claim}\"");
        Assert.Equal(fits, result.Config is not null);
        Assert.All(result.Errors, error => Assert.Contains("groups_jsonpath", error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("5")]
    [InlineData("[\"$.groups\"]")]
    public void Only_text_is_a_path(string value) =>
        Assert.Contains(
            "oidc.groups_jsonpath",
            Assert.Single(Read($"\"groups_jsonpath\":{value}").Errors),
            StringComparison.Ordinal);

    private static ConfigReadResult Read(string members) => Yaml.Read(Yaml.With($"{{\"oidc\":{{{members}}}}}"));
}
