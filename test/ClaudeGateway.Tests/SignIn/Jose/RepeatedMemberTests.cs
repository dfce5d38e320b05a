using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Jose;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn.Jose;

/// <summary>
/// Two readers of a member named twice may see two different values: such a token is none, whoever signed it.
/// </summary>
public sealed class RepeatedMemberTests
{
    private const string Key = "key-0123456789-0123456789-0123456789";
    private const string Claims = """{"sub":"alice","aud":"claude-gateway","iat":1,"exp":9999999999}""";

    private readonly SessionTokens _bearers = new(
        new SessionSecrets([new Secret(Key)]), null, TimeSpan.FromHours(1), new ManualTimeProvider());

    [Theory]
    [InlineData("""{"alg":"RS256","alg":"RS256"}""", "{}")]
    [InlineData("""{"alg":"none","\u0061lg":"RS256"}""", "{}")]
    [InlineData("""{"alg":"RS256","jwk":{"kty":"RSA","kty":"EC"}}""", "{}")]
    [InlineData("""{"alg":"RS256"}""", """{"exp":1,"exp":2}""")]
    [InlineData("""{"alg":"RS256"}""", """{"sub":"a","sub":"b"}""")]
    [InlineData("""{"alg":"RS256"}""", """{"realm_access":{"roles":[],"roles":["admin"]}}""")]
    public void A_signed_token_with_a_member_named_twice_is_none(string header, string payload)
    {
        Assert.Null(SignedToken.Read($"{Encode(header)}.{Encode(payload)}.AAAA"));
    }

    [Theory]
    [InlineData("""{"alg":"HS256"}""", Claims, true)]
    [InlineData("""{"alg":"HS256","alg":"HS256"}""", Claims, false)]
    [InlineData(
        """{"alg":"HS256"}""",
        """{"sub":"mallory","sub":"alice","aud":"claude-gateway","iat":1,"exp":9999999999}""",
        false)]
    [InlineData(
        """{"alg":"HS256"}""", """{"sub":"alice","aud":"claude-gateway","iat":1,"exp":1,"exp":9999999999}""", false)]
    [InlineData(
        """{"alg":"HS256"}""",
        """{"sub":"alice","aud":"claude-gateway","iat":1,"exp":9999999999,"x":[{"a":1,"a":1}]}""",
        false)]
    public void A_bearer_with_a_member_named_twice_is_none_though_its_signature_is_right(
        string header, string payload, bool isGood)
    {
        var signed = $"{Encode(header)}.{Encode(payload)}";
        using var secrets = new HMACSHA256(Encoding.UTF8.GetBytes(Key));
        var token = $"{signed}.{Base64Url.EncodeToString(secrets.ComputeHash(Encoding.ASCII.GetBytes(signed)))}";

        Assert.Equal(isGood, _bearers.Verify(token) is not null);
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
