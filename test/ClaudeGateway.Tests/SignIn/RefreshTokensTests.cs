using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn;

public sealed class RefreshTokensTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RefreshTokens _tokens;

    public RefreshTokensTests() =>
        _tokens = new RefreshTokens(new SealedBox(new SessionSecrets([new Secret(TestConfig.JwtSecret)])), _clock);

    [Fact]
    public void A_token_opens_to_what_was_sealed_and_shows_none_of_it()
    {
        var token = _tokens.Seal("idp-token", "alice", "idp-alice", "session-1");
        Assert.Equal(
            new RefreshTokenContent("idp-token", "alice", "session-1", _clock.GetUtcNow(), "idp-alice"),
            _tokens.Open(token)! with { Id = null });
        Assert.DoesNotContain(
            "alice",
            System.Text.Encoding.Latin1.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(4))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Each_token_is_known_by_a_name_of_its_own_however_it_is_written()
    {
        var token = _tokens.Seal("idp-token", "alice", "idp-alice", "session-1");
        var other = _tokens.Seal("idp-token", "alice", "idp-alice", "session-1");
        Assert.NotEqual(_tokens.Open(token)!.Hash, _tokens.Open(other)!.Hash);
        // The decoder passes over blanks.
        Assert.Equal(_tokens.Open(token)!.Hash, _tokens.Open(token.Insert(20, "\n"))!.Hash);
    }

    [Fact]
    public void A_token_of_before_tokens_had_a_name_has_the_same_one_each_time()
    {
        var box = new SealedBox(new SessionSecrets([new Secret(TestConfig.JwtSecret)]));
        var content = new RefreshTokenContent("idp-token", "alice", "session-1", _clock.GetUtcNow());
        var older = "gwr_" + System.Buffers.Text.Base64Url.EncodeToString(box.Seal(
            System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(content, SealedJson.Default.RefreshTokenContent),
            "refresh token"u8));
        Assert.NotNull(_tokens.Open(older)!.Id);
        Assert.Equal(_tokens.Open(older)!.Hash, _tokens.Open(older)!.Hash);
    }

    [Theory]
    [InlineData("idp-1", "u-2", "idp-1", true)]
    [InlineData("idp-1", "u-1", "idp-2", false)]
    [InlineData(null, "u-1", "idp-2", true)]
    [InlineData(null, "u-2", "u-1", true)]
    [InlineData(null, "u-2", "idp-1", false)]
    [InlineData("idp-1", "u-1", null, false)]
    public void A_token_belongs_to_the_IdPs_subject_and_an_older_one_to_the_id_it_names(
        string? sealedIdpSub, string userId, string? idpSub, bool same) =>
        Assert.Equal(
            same, new RefreshTokenContent("t", "u-1", "s", _clock.GetUtcNow(), sealedIdpSub).IsOf(userId, idpSub));

    [Fact]
    public void A_revocation_outlives_every_refresh_token()
    {
        Assert.Equal(TimeSpan.FromDays(180), RefreshTokens.MaxAge);
        Assert.True(RevocationStore.Lifetime > RefreshTokens.MaxAge);
    }

    [Fact]
    public void A_token_that_lay_unused_for_half_a_year_is_over()
    {
        var token = _tokens.Seal("idp-token", "alice", "idp-alice", "session-1");
        _clock.Advance(TimeSpan.FromDays(179));
        Assert.NotNull(_tokens.Open(token));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Null(_tokens.Open(token));
    }
}
