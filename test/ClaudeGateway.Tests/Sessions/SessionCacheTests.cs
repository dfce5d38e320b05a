using ClaudeGateway.Sessions;

namespace ClaudeGateway.Tests.Sessions;

public sealed class SessionCacheTests
{
    private static readonly Principal Alice = new("alice", null, null, []) { ExpiresAt = DateTimeOffset.MaxValue };

    [Fact]
    public void A_token_is_found_by_its_text()
    {
        var cache = new SessionCache();
        cache.Add("token", Alice);
        Assert.Same(Alice, cache.Find("a token".AsSpan(2)));
        Assert.Null(cache.Find("Token"));
    }

    [Fact]
    public void Ever_new_tokens_push_out_those_that_nobody_uses_and_keep_the_one_in_use()
    {
        var cache = new SessionCache();
        cache.Add("used", Alice);
        cache.Add("unused", Alice);
        for (var i = 0; i < 200; i++)
        {
            cache.Add(new string('x', 100_000) + i, Alice);
            Assert.NotNull(cache.Find("used"));
        }

        Assert.Null(cache.Find("unused"));
        Assert.Null(cache.Find(new string('x', 100_000) + 0));
    }

    [Fact]
    public void A_token_larger_than_the_cache_is_not_kept()
    {
        var cache = new SessionCache();
        cache.Add(new string('x', 5_000_000), Alice);
        Assert.Null(cache.Find(new string('x', 5_000_000)));
    }
}
