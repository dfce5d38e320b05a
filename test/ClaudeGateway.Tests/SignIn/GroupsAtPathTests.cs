using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.SignIn.Claims;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn;

public sealed class GroupsAtPathTests
{
    private const string Teams =
        """{"groups":[{"name":"eng","type":"team"},{"name":"ops","type":"role"},{"name":"sec","type":"team","sub":[{"n":"x"},{"n":"y"}]}]}""";

    [Theory]
    [InlineData("$.groups", """{"groups":["a","",5,null,"a"," b "]}""", "a|a| b ")]
    [InlineData("$.groups", """{"groups":"one"}""", "one")]
    [InlineData("$.groups", """{"groups":""}""", "")]
    [InlineData("$.groups", """{"groups":{"a":"b"}}""", "")]
    [InlineData("$.groups", """{"groups":[["a"]]}""", "")]
    [InlineData("$.groups", Teams, "")]
    [InlineData("$.groups.name", """{"groups":[{"name":"a"}]}""", "")]
    [InlineData("$.groups.name", """{"groups":{"name":["z",["q"]]}}""", "z")]
    [InlineData("$.groups[*]", """{"groups":[["a"],["b","c"]]}""", "a|b|c")]
    [InlineData("$.groups[*]", """{"groups":"one"}""", "")]
    [InlineData("$.groups[*][*]", """{"groups":[["a"],["b",["c",["d"]]],"e"]}""", "a|b|c")]
    [InlineData("$.groups[*].name", Teams, "eng|ops|sec")]
    [InlineData("$.groups[*].name", """{"groups":{"k":{"name":"x"},"l":{"name":"y"}}}""", "x|y")]
    [InlineData(
        "$.groups[*].name",
        """{"groups":[{"name":["a","b"]},{"nome":"d"},"e",{"name":7},{"name":""},{"name":"c"},{"name":"c"},null]}""",
        "a|b|c|c")]
    [InlineData("$.groups[?@.type=='team'].name", Teams, "eng|sec")]
    [InlineData(
        "$.groups[?@.type=='team'].name",
        """{"groups":[{"name":"a","type":["team"]},{"name":"b","type":"Team"},{"name":"c"},{"name":"d","type":"team"}]}""",
        "d")]
    [InlineData("$.groups[?@.type=='team'].name", """{"groups":{"k":{"type":"team","name":"n"}}}""", "n")]
    [InlineData("$.groups[?@.type=='team'].name", """{"groups":{"type":"team","name":"n"}}""", "")]
    [InlineData("$.groups[?@.type == 'team'].sub[*].n", Teams, "x|y")]
    [InlineData("$.groups[?@.type==''].name", """{"groups":[{"type":"","name":"e"},{"name":"f"}]}""", "e")]
    [InlineData(
        "$.groups[?@.t=='x'][?@.t=='y'].name",
        """{"groups":[{"t":"x","i":{"t":"y","name":"in"},"j":{"t":"z","name":"no"}}]}""",
        "in")]
    [InlineData(
        "$['https://x.example/groups'][*]['name']",
        """{"https://x.example/groups":[{"name":"a"}],"groups":["b"]}""",
        "a")]
    [InlineData("$.groups['0']", """{"groups":["a"]}""", "")]
    [InlineData("$.groups['0']", """{"groups":{"0":"zero"}}""", "zero")]
    [InlineData("$.groups.length", """{"groups":["a"]}""", "")]
    [InlineData("$.constructor", """{"groups":["a"]}""", "")]
    public void Texts_at_the_paths_end_are_groups(string path, string claims, string expected) =>
        Assert.Equal(expected, string.Join('|', Groups(path, claims)));

    [Theory]
    [InlineData("$.a.b[*].n", "{}", false)]
    [InlineData("$.a.b[*].n", """{"a":{}}""", false)]
    [InlineData("$.a.b[*].n", """{"a":null}""", false)]
    [InlineData("$.a.b[*].n", """{"a":"s"}""", false)]
    [InlineData("$.a.b[*].n", """{"a":{"b":null}}""", true)]
    [InlineData("$.a.b[*].n", """{"a":{"b":[]}}""", true)]
    [InlineData("$.a.b[*].n", """{"a":{"b":0}}""", true)]
    [InlineData("$.a[?@.t=='x'].b", """{"a":[{"t":"y"}]}""", true)]
    [InlineData("$.groups", """{"groups":""}""", true)]
    public void Groups_are_absent_only_where_the_leading_names_lead_nowhere(string path, string claims, bool present) =>
        Assert.Equal(present, GroupsAtPath.IsPresent(JsonDocument.Parse(claims).RootElement, ClaimPath.Parse(path)));

    [Fact]
    public void A_long_path_through_deep_claims_ends()
    {
        var claims = string.Concat(Enumerable.Repeat("{\"a\":", 60)) + "\"g\"" + new string('}', 60);
        Assert.Equal(["g"], Groups("$" + string.Concat(Enumerable.Repeat(".a", 60)), claims));
        Assert.Empty(Groups("$" + string.Concat(Enumerable.Repeat(".a", 20_000)), claims));
    }

    [Fact]
    public void Claims_of_any_shape_give_groups_or_none()
    {
        for (var seed = 0UL; seed < 500; seed++)
        {
            var claims = RandomJson(new FuzzRandom(seed), 5);
            foreach (var path in (string[])["$.a", "$.a[*]", "$.a[*].b", "$.a[?@.b=='t'].a", "$.a.b[*][?@.a==''].b[*]"])
            {
                Assert.DoesNotContain("", Groups(path, claims));
            }
        }
    }

    private static IReadOnlyList<string> Groups(string path, string claims) =>
        GroupsAtPath.Find(JsonDocument.Parse(claims).RootElement, ClaimPath.Parse(path));

    private static string RandomJson(FuzzRandom random, int depth) => random.Below(depth > 0 ? 9 : 6) switch
    {
        0 => "null",
        1 => "true",
        2 => "-1.5e3",
        3 => "\"\"",
        4 => "\"t\"",
        5 => "\"\\u0000é\"",
        6 => $"[{string.Join(',', Enumerable.Range(0, random.Below(4)).Select(_ => RandomJson(random, depth - 1)))}]",
        _ =>
            $"{{{string.Join(',', Enumerable.Range(0, random.Below(4)).Select(_ => $"\"{(random.Below(2) == 0 ? "a" : "b")}\":{RandomJson(random, depth - 1)}"))}}}",
    };
}
