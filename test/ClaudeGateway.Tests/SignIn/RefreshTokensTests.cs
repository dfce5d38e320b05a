using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn;

public sealed class RefreshTokensTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RefreshTokens _tokens;

    public RefreshTokensTests() => _tokens = new RefreshTokens(new SealedBox(new SessionSecrets([new Secret(TestConfig.JwtSecret)])), _clock);

    [Fact]
    public void A_token_opens_to_what_was_sealed_and_shows_none_of_it()
    {
        var token = _tokens.Seal("idp-token", "alice", "session-1");
        Assert.Equal(new RefreshTokenContent("idp-token", "alice", "session-1", _clock.GetUtcNow()), _tokens.Open(token));
        Assert.DoesNotContain("alice", System.Text.Encoding.Latin1.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(4))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_that_lay_unused_for_half_a_year_is_over()
    {
        var token = _tokens.Seal("idp-token", "alice", "session-1");
        _clock.Advance(TimeSpan.FromDays(179));
        Assert.NotNull(_tokens.Open(token));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Null(_tokens.Open(token));
    }
}
