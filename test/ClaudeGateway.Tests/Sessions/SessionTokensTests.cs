using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Sessions;

public sealed class SessionTokensTests
{
    private const string Issuer = "https://gw.example.com";
    private const string Old = "old-secret-0123456789-0123456789-0123456789";
    private const string New = "new-secret-0123456789-0123456789-0123456789";
    private static readonly Identity Alice = new("alice", "alice@example.com", "Alice Ä", ["eng", "ops"]);

    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void A_minted_bearer_names_the_identity_it_was_minted_for()
    {
        var minted = Tokens(New).Mint(Alice, "session-1");
        var principal = Tokens(New).Verify(minted.Token)!;
        Assert.Equal(("alice", "alice@example.com", "Alice Ä"), (principal.Sub, principal.Email, principal.Name));
        Assert.Equal(["eng", "ops"], principal.Groups);
        Assert.Equal("session-1", principal.SessionId);
        Assert.Equal(_clock.GetUtcNow() + TimeSpan.FromHours(1), principal.ExpiresAt);
        Assert.Equal(3600, minted.ExpiresIn);
    }

    [Fact]
    public void The_header_names_the_algorithm_and_the_secret_by_the_first_16_digits_of_its_hash()
    {
        var header = Part(Tokens(New).Mint(Alice, "s").Token, 0);
        Assert.Equal("HS256", header.GetProperty("alg").GetString());
        Assert.Equal("JWT", header.GetProperty("typ").GetString());
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(New)))[..16],
            header.GetProperty("kid").GetString());
    }

    [Fact]
    public void What_the_identity_lacks_is_no_claim()
    {
        var claims = Part(Tokens(New).Mint(new Identity("alice", null, null, []), "s").Token, 1);
        Assert.Equal(
            ["sub", "aud", "iat", "exp", "iss", "jti", "sid"], claims.EnumerateObject().Select(claim => claim.Name));
    }

    [Fact]
    public void A_fraction_of_a_second_is_cut_off_the_lifetime()
    {
        var minted = new SessionTokens(new SessionSecrets([new Secret(New)]), Issuer, TimeSpan.FromSeconds(3.6),
            _clock).Mint(Alice, "s");
        Assert.Equal(3, minted.ExpiresIn);
    }

    [Fact]
    public void During_a_rotation_both_secrets_verify_and_the_first_signs()
    {
        var before = Tokens(Old).Mint(Alice, "s").Token;
        var during = Tokens(New, Old);
        Assert.NotNull(during.Verify(before));
        Assert.NotNull(Tokens(New).Verify(during.Mint(Alice, "s").Token));
        Assert.Null(Tokens(New).Verify(before));
    }

    [Fact]
    public void The_key_of_RFC_7515_A_1_makes_its_signature()
    {
        var key = new SessionKey(
            Base64Url.DecodeFromChars(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
        var mac = new byte[32];
        key.Sign(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"u8,
            mac);
        Assert.Equal("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", Base64Url.EncodeToString(mac));
    }

    [Theory]
    [InlineData("""{"alg":"HS256"}""", true)]
    [InlineData("""{"alg":"HS256","kid":"0123456789abcdef"}""", false)]
    [InlineData("""{"alg":"HS256","kid":7}""", false)]
    [InlineData("""{"alg":"HS256","crit":["exp"],"exp":1}""", false)]
    [InlineData("""{"alg":"none"}""", false)]
    [InlineData("""{"alg":"HS512"}""", false)]
    [InlineData("""{"alg":"RS256"}""", false)]
    [InlineData("""{}""", false)]
    [InlineData("""["HS256"]""", false)]
    public void A_header_decides_as_the_rules_say(string header, bool passes) =>
        Assert.Equal(passes, Tokens(New).Verify(Sign(header, Claims())) is not null);

    [Theory]
    [InlineData("", true)]
    [InlineData("exp:past", false)]
    [InlineData("exp:now", false)]
    [InlineData("exp:", false)]
    [InlineData("exp:\"9999999999\"", false)]
    [InlineData("nbf:future", false)]
    [InlineData("nbf:past", true)]
    [InlineData("nbf:\"x\"", false)]
    [InlineData("iat:future", true)]
    [InlineData("iat:\"x\"", false)]
    [InlineData("iat:", true)]
    [InlineData("aud:\"other\"", false)]
    [InlineData("aud:[\"other\",\"claude-gateway\"]", true)]
    [InlineData("aud:", false)]
    [InlineData("iss:\"https://other.example.com\"", false)]
    [InlineData("iss:\"https://gw.example.com/\"", false)]
    [InlineData("iss:", false)]
    [InlineData("sub:", false)]
    [InlineData("sub:\"\"", false)]
    [InlineData("sub:7", false)]
    [InlineData("groups:\"eng\"", true)]
    public void A_claim_decides_as_the_rules_say(string change, bool passes)
    {
        var colon = change.IndexOf(':', StringComparison.Ordinal);
        var payload = colon < 0 ? Claims() : Claims((change[..colon], change[(colon + 1)..]));
        Assert.Equal(passes, Tokens(New).Verify(Sign("""{"alg":"HS256"}""", payload)) is not null);
    }

    [Fact]
    public void Without_a_public_URL_no_issuer_is_minted_or_asked_for()
    {
        var tokens = new SessionTokens(new SessionSecrets([new Secret(New)]), null, TimeSpan.FromHours(1), _clock);
        var token = tokens.Mint(Alice, "s").Token;
        Assert.False(Part(token, 1).TryGetProperty("iss", out _));
        Assert.NotNull(tokens.Verify(token));
    }

    private SessionTokens Tokens(params string[] secrets) =>
        new(
            new SessionSecrets([.. secrets.Select(secret => new Secret(secret))]),
            Issuer,
            TimeSpan.FromHours(1),
            _clock);

    private string Claims(params (string Name, string Value)[] changes)
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
        var claims = new Dictionary<string, string>
        {
            ["sub"] = "\"alice\"",
            ["aud"] = "\"claude-gateway\"",
            ["iss"] = $"\"{Issuer}\"",
            ["iat"] = Number(now),
            ["exp"] = Number(now + 600),
        };
        foreach (var (name, value) in changes)
        {
            claims[name] = value switch
            {
                "past" => Number(now - 1),
                "now" => Number(now),
                "future" => Number(now + 60),
                _ => value
            };
        }

        var members = claims.Where(claim => claim.Value.Length > 0).Select(claim => $"\"{claim.Key}\":{claim.Value}");
        return $"{{{string.Join(',', members)}}}";
    }

    private static string Sign(string header, string payload)
    {
        var signed =
            $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        var mac = new byte[32];
        new SessionKey(Encoding.UTF8.GetBytes(New)).Sign(Encoding.ASCII.GetBytes(signed), mac);
        return $"{signed}.{Base64Url.EncodeToString(mac)}";
    }

    private static JsonElement Part(string token, int index) =>
        JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[index])).RootElement;
}
