using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ClaudeGateway.SignIn.Jose;

namespace ClaudeGateway.Tests.SignIn.Jose;

/// <summary>
/// The examples of RFC 7515 appendix A, RFC 7517 appendix A and RFC 8037 appendix A, and what must not verify.
/// </summary>
public sealed class JsonWebKeyTests
{
    private const string RsaKey = """
        {"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}
        """;

    private const string RsaToken =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    private const string P256Key =
        """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""";

    private const string P256Token =
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    private const string P521Key =
        """{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}""";

    private const string P521Token =
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";

    private const string Ed25519Key =
        """{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""";

    private const string Ed25519Token =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    public static TheoryData<string, string, string> Vectors => new()
    {
        { "RS256", RsaKey, RsaToken },
        { "ES256", P256Key, P256Token },
        { "ES512", P521Key, P521Token },
        { "EdDSA", Ed25519Key, Ed25519Token },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_standards_examples_verify(string algorithm, string key, string token)
    {
        var (signed, signature) = Split(token);
        Assert.True(Key(key).Verifies(algorithm, signed, signature));
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void One_changed_bit_anywhere_does_not_verify(string algorithm, string key, string token)
    {
        var (signed, signature) = Split(token);
        for (var i = 0; i < signature.Length; i += 7)
        {
            signature[i] ^= 1;
            Assert.False(Key(key).Verifies(algorithm, signed, signature), $"byte {i} of the signature");
            signature[i] ^= 1;
        }

        signed[^1] ^= 1;
        Assert.False(Key(key).Verifies(algorithm, signed, signature));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    [InlineData("HS512")]
    [InlineData("RS1")]
    [InlineData("ES256K")]
    [InlineData("ES512")]
    [InlineData("PS256")]
    [InlineData("EdDSA")]
    [InlineData("rs256")]
    [InlineData("")]
    public void An_RSA_signature_verifies_under_no_other_algorithm(string algorithm)
    {
        var (signed, signature) = Split(RsaToken);
        Assert.False(Key(RsaKey).Verifies(algorithm, signed, signature));
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    public void Every_RSA_algorithm_of_RFC_7518_verifies(string algorithm)
    {
        using var rsa = RSA.Create(2048);
        var hash = algorithm[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512
        };
        var signature = rsa.SignData(
            "data"u8, hash, algorithm.StartsWith('P') ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        var parameters = rsa.ExportParameters(false);
        var key = Key(
            $$"""{"kty":"RSA","n":"{{Base64Url.EncodeToString(parameters.Modulus)}}","e":"{{Base64Url.EncodeToString(parameters.Exponent)}}"}""");
        Assert.True(key.Verifies(algorithm, "data"u8, signature));
        Assert.False(key.Verifies(algorithm, "date"u8, signature));
    }

    [Fact]
    public void ES384_verifies()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var q = ec.ExportParameters(false).Q;
        var key = Key(
            $$"""{"kty":"EC","crv":"P-384","x":"{{Base64Url.EncodeToString(q.X)}}","y":"{{Base64Url.EncodeToString(q.Y)}}"}""");
        Assert.True(key.Verifies("ES384", "data"u8, ec.SignData("data"u8, HashAlgorithmName.SHA384)));
        Assert.False(key.Verifies("ES256", "data"u8, ec.SignData("data"u8, HashAlgorithmName.SHA256)));
    }

    [Fact]
    public void A_key_that_names_its_algorithm_serves_no_other()
    {
        var (signed, signature) = Split(RsaToken);
        var key = Key(RsaKey.Trim()[..^1] + ",\"alg\":\"RS384\"}");
        Assert.False(key.Verifies("RS256", signed, signature));
    }

    [Fact]
    public void The_set_of_RFC_7517_A_1_yields_its_signature_key_and_skips_the_encryption_key()
    {
        using var set = JsonDocument.Parse("""
            {"keys":[
              {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
              {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}
            ]}
            """);
        var key = Assert.Single(JsonWebKey.ReadSet(set.RootElement));
        Assert.Equal("2011-04-29", key.KeyId);
        Assert.Equal("RS256", key.Algorithm);
    }

    [Theory]
    [InlineData(
        """{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}""")]
    [InlineData("""{"kty":"RSA","n":"AQAB","e":"AQAB"}""")]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""")]
    [InlineData(
        """{"kty":"EC","crv":"secp256k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""")]
    [InlineData("""{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""")]
    [InlineData(
        """{"kty":"EC","crv":"P-256","key_ops":["sign"],"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""")]
    [InlineData("[]")]
    [InlineData("7")]
    public void What_cannot_check_a_signature_safely_is_not_taken_for_a_key(string jwk)
    {
        using var json = JsonDocument.Parse(jwk);
        Assert.Null(JsonWebKey.Read(json.RootElement));
    }

    [Fact]
    public void A_point_off_its_curve_verifies_nothing_and_does_not_throw()
    {
        var key = Key(P256Key.Replace("x_FEz", "y_FEz", StringComparison.Ordinal));
        var (signed, signature) = Split(P256Token);
        Assert.False(key.Verifies("ES256", signed, signature));
    }

    private static JsonWebKey Key(string jwk)
    {
        using var json = JsonDocument.Parse(jwk);
        return JsonWebKey.Read(json.RootElement)!;
    }

    private static (byte[] Signed, byte[] Signature) Split(string token)
    {
        var dot = token.LastIndexOf('.');
        return (Encoding.ASCII.GetBytes(token[..dot]), Base64Url.DecodeFromChars(token.AsSpan(dot + 1)));
    }
}
