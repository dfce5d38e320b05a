using ClaudeGateway.Managed;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Managed;

public sealed class EntityTagsTests
{
    [Theory]
    [InlineData("\"sha256:ab\"", "Tag")]
    [InlineData("W/\"sha256:ab\"", "Tag")]
    [InlineData("\"x\", \"sha256:ab\"", "Tag")]
    [InlineData("\"a,b\" , W/\"sha256:ab\" ", "Tag")]
    [InlineData("*", "Any")]
    [InlineData(" * ", "Any")]
    [InlineData("\"sha256:00\"", "None")]
    [InlineData("sha256:ab", "None")]
    [InlineData("\"sha256:ab", "None")]
    [InlineData("\"*\"", "None")]
    [InlineData("", "None")]
    [InlineData(null, "None")]
    public void If_None_Match_is_read_by_RFC_9110(string? header, string expected) =>
        Assert.Equal(Enum.Parse<EntityTagMatch>(expected), EntityTags.Match(header, "\"sha256:ab\""));

    [Fact]
    public void The_tag_is_found_wherever_it_stands_in_a_list() =>
        FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<string[]>(others =>
    {
        var list = (others ?? []).Select(o => $"\"{(o ?? "").Replace("\"", "", StringComparison.Ordinal)}\"").ToList();
        list.Insert(list.Count / 2, "W/\"t\"");
        return EntityTags.Match(string.Join(", ", list), "\"t\"") == EntityTagMatch.Tag;
    }));
}
