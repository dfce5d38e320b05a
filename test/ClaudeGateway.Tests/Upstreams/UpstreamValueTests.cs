using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class UpstreamValueTests
{
    [Theory]
    [InlineData("claude-haiku-*", "claude-haiku-4-5", true)]
    [InlineData("*-4-6", "claude-sonnet-4-6", true)]
    [InlineData("CLAUDE-*-4-8", "claude-opus-4-8", true)]
    [InlineData("*", "claude-opus-4-8", true)]
    [InlineData("claude-*-4-*", "claude-opus-4-8", false)]
    [InlineData("claude-haiku-4-5", "claude-haiku-4-5-20251001", true)]
    [InlineData("claude-haiku-4-5-20251001", "claude-haiku-4-5", true)]
    [InlineData("claude-opus-4-8", "claude-sonnet-4-6", false)]
    [InlineData("ab*ba", "aba", false)]
    public void A_model_pattern_has_one_star_and_knows_every_spelling(string pattern, string id, bool matches) =>
        Assert.Equal(matches, ModelPattern.Matches(pattern, new CatalogModel(id, BuiltInModels.Find(id), null)));

    [Theory]
    [InlineData("claude-haiku-*", "claude-haiku-4-5-20251001", true)]
    [InlineData("claude-haiku-*", "us.anthropic.claude-haiku-4-5-20251001-v1:0", false)]
    [InlineData("*@20251001", "claude-haiku-4-5", false)]
    [InlineData("claude-haiku-4-5", "claude-haiku-4-5@20251001", true)]
    [InlineData("gpt-*", "gpt-5", true)]
    [InlineData("gpt-4", "gpt-5", false)]
    public void A_pattern_sees_the_id_as_the_client_wrote_it(string entry, string id, bool matches) =>
        Assert.Equal(
            matches,
            ModelPattern.Matches(
                entry,
                BuiltInModels.Find(id) is { } builtIn ? new CatalogModel(builtIn.AnthropicId, builtIn, null) : null,
                id));

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData(" a b%20 ", "a%20b%2520")]
    [InlineData("é", "%C3%A9")]
    [InlineData("\"'<>{}|\\^?&=", "\"'<>{}|\\^?&=")]
    [InlineData("x\r\ny", "x%0D%0Ay")]
    public void An_identity_is_percent_encoded(string value, string header) =>
        Assert.Equal(header, UserIdentityHeaders.Encode(value));

    [Theory]
    [InlineData("gzip", "gzip", true)]
    [InlineData("br, GZIP;q=0.5", "gzip", true)]
    [InlineData("gzip;q=0", "gzip", false)]
    [InlineData("gzip;q=0.0, br", "gzip", false)]
    [InlineData("identity", "gzip", false)]
    [InlineData("", "gzip", false)]
    [InlineData(null, "gzip", false)]
    public void A_content_coding_passes_when_the_client_takes_it(string? acceptEncoding, string coding, bool accepts) =>
        Assert.Equal(accepts, ContentCoding.Accepts(acceptEncoding, coding));

    [Theory]
    [InlineData(null, "oauth")]
    [InlineData("a,b", "a,b, oauth")]
    [InlineData("a, oauth", "a, oauth")]
    public void A_beta_value_is_added_once(string? betas, string expected) =>
        Assert.Equal(expected, ClientHeaders.WithBeta(betas, "oauth"));

    [Fact]
    public void Only_these_statuses_fail_over()
    {
        int[] retryable = [401, 403, 404, 429, 500, 501, 502, 503, 504, 505, 520, 524, 529, 599];

        Assert.All(
            Enumerable.Range(200, 400),
            status =>
                Assert.Equal(
                    retryable.Contains(status) || status >= 500,
                    FailoverRules.Judge(status) == FailoverVerdict.Retryable));
    }
}
