using ClaudeGateway.Storage;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Storage;

public sealed class StoredTextTests
{
    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("a\0b", "a\ufffdb")]
    [InlineData("😀", "😀")]
    public void Only_what_PostgreSQL_refuses_is_replaced(string text, string stored) =>
        Assert.Equal(stored, StoredText.Of(text));

    [Fact]
    public void Half_a_surrogate_pair_is_replaced() => Assert.Equal("a\ufffdb", StoredText.Of("a\ud83db"));

    [Fact]
    public void What_comes_out_can_always_be_stored() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll<char[]>(characters => StoredText.IsStorable(StoredText.Of(new string(characters)))));
}
