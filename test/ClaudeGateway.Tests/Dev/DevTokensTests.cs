using System.Security.Cryptography;
using ClaudeGateway.Dev;

namespace ClaudeGateway.Tests.Dev;

public sealed class DevTokensTests : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly DevTokens _tokens;

    public DevTokensTests() => _tokens = new DevTokens(_key, "http://localhost:8081", TimeProvider.System);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_refresh_token_brings_its_user_back()
    {
        var user = DevUser.Known[1];
        var read = _tokens.Read(_tokens.Opaque(user, DevTokens.RefreshToken, "openid email"),
            DevTokens.RefreshToken)!.Value;
        Assert.Equal(
            (user.Sub, user.Email, user.Name, "openid email"),
            (read.User.Sub, read.User.Email, read.User.Name, read.Scope));
        Assert.Equal(user.Groups, read.User.Groups);
    }

    [Fact]
    public void A_token_for_one_use_is_not_accepted_for_another()
    {
        Assert.Null(_tokens.Read(_tokens.Opaque(DevUser.Known[0], DevTokens.AccessToken, ""), DevTokens.RefreshToken));
        Assert.Null(_tokens.Read(_tokens.IdToken(DevUser.Known[0], "client", null), DevTokens.AccessToken));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a.b.c")]
    [InlineData("!.!.!")]
    public void Garbage_is_refused(string token) => Assert.Null(_tokens.Read(token, DevTokens.AccessToken));

    [Fact]
    public void A_token_of_another_key_is_refused()
    {
        using var other = RSA.Create(2048);
        var foreign = new DevTokens(other, "http://localhost:8081", TimeProvider.System)
            .Opaque(DevUser.Known[0], DevTokens.AccessToken, "");
        Assert.Null(_tokens.Read(foreign, DevTokens.AccessToken));
    }
}
