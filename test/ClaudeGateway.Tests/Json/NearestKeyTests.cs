using ClaudeGateway.Json;

namespace ClaudeGateway.Tests.Json;

public sealed class NearestKeyTests
{
    [Theory]
    [InlineData("clientSecret", "client_secret")]
    [InlineData("jwt-secret", "jwt_secret")]
    [InlineData("uptsreams", "upstreams")]
    [InlineData("postgresurl", "postgres_url")]
    [InlineData("header", "headers")]
    public void A_near_miss_finds_its_word(string written, string meant) =>
        Assert.Equal(
            meant,
            NearestKey.Find(
                written, ["client_secret", "client_id", "jwt_secret", "upstreams", "postgres_url", "headers"]));

    [Theory]
    [InlineData("zzz")]
    [InlineData("")]
    [InlineData("completely_different")]
    public void A_word_like_none_finds_none(string written) =>
        Assert.Null(NearestKey.Find(written, ["client_secret", "upstreams"]));
}
