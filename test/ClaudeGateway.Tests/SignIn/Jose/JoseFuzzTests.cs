using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Jose;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.SignIn.Jose;

/// <summary>Whatever a stranger sends as a token, key or sealed box: an answer, never an exception.</summary>
public sealed class JoseFuzzTests
{
    private static readonly SessionSecrets Secrets = new([new Secret("fuzz-secret-0123456789-0123456789-0123456789")]);
    private static readonly SessionTokens Tokens = new(
        Secrets, "https://gw.example.com", TimeSpan.FromHours(1), TimeProvider.System);
    private static readonly FsCheck.Config Quick = FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000);

    // Dots and base64url characters, so that many samples get past the first look.
    private static readonly Gen<string> TokenText = Gen.Elements([.. "eyJhbGciOiJIUzI1NiJ9ABCabc019-_=+/. \r\n\"{}é\0"])
        .ArrayOf().Select(chars => new string(chars));

    [Fact]
    public void Any_text_can_be_read_as_a_token()
    {
        Prop.ForAll(
            TokenText.ToArbitrary(),
            text => SignedToken.Read(text) is null or { Payload.ValueKind: JsonValueKind.Object }).Check(Quick);
        Prop.ForAll<string?>(
            text => SignedToken.Read(text ?? "") is null or { Payload.ValueKind: JsonValueKind.Object }).Check(Quick);
    }

    [Fact]
    public void Any_text_can_be_checked_as_a_bearer_and_none_passes()
    {
        Prop.ForAll(TokenText.ToArbitrary(), text => Tokens.Verify(text) is null).Check(Quick);
        Prop.ForAll<string?>(text => Tokens.Verify(text ?? "") is null).Check(Quick);
    }

    [Fact]
    public void A_bearer_with_any_one_character_changed_does_not_pass()
    {
        var token = Tokens.Mint(new Identity("alice", "alice@example.com", null, ["eng"]), "s").Token;
        var change = from place in Gen.Choose(0, token.Length - 1)
                     from c in Gen.Elements([.. "ABCdef012-_.=é "])
                     where token[place] != c
                     select string.Concat(token.AsSpan(0, place), c.ToString(), token.AsSpan(place + 1));
        Prop.ForAll(change.ToArbitrary(), changed => Tokens.Verify(changed) is null).Check(Quick);
    }

    [Fact]
    public void Claims_of_any_shape_signed_with_the_secret_do_not_throw()
    {
        var value = Gen.Elements(
            "1", "-1", "1e400", "null", "true", "\"x\"", "\"\"", "[]", "[1,\"a\"]", "{}", "99999999999999999999", "0.5",
            "\"\\ud800\"");
        var claims = from names in Gen.SubListOf(
            "sub", "exp", "aud", "iss", "iat", "nbf", "groups", "email", "name", "jti", "sid")
                     from values in value.ArrayOf(names.Count)
                     select $"{{{string.Join(',', names.Zip(values, (n, v) => $"\"{n}\":{v}"))}}}";
        Prop.ForAll(claims.ToArbitrary(),
            json => Tokens.Verify(Sign("""{"alg":"HS256"}""", json)) is null).Check(Quick);
    }

    [Fact]
    public void Any_bytes_can_be_opened_as_a_sealed_box_and_none_opens()
    {
        var box = new SealedBox(Secrets);
        Prop.ForAll<byte[]>(bytes => box.Open(bytes, "p"u8) is null).Check(Quick);
        var good = box.Seal("content"u8, "p"u8);
        var change = from place in Gen.Choose(0, good.Length - 1)
                     from bit in Gen.Choose(0, 7)
                     select Changed(good, place, bit);
        Prop.ForAll(change.ToArbitrary(), bytes => box.Open(bytes, "p"u8) is null).Check(Quick);
    }

    [Fact]
    public void Any_text_can_be_opened_as_a_refresh_token()
    {
        var refreshTokens = new RefreshTokens(new SealedBox(Secrets), TimeProvider.System);
        Prop.ForAll(
            TokenText.ToArbitrary(),
            text => refreshTokens.Open("gwr_" + text) is null && refreshTokens.Open(text) is null).Check(Quick);
    }

    [Fact]
    public void Any_member_values_make_a_key_or_none()
    {
        var value = Gen.Elements(
            "\"RSA\"",
            "\"EC\"",
            "\"OKP\"",
            "\"P-256\"",
            "\"P-521\"",
            "\"Ed25519\"",
            "\"sig\"",
            "\"AQAB\"",
            "\"====\"",
            "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"",
            "null",
            "3",
            "[]",
            "{}",
            "[\"verify\"]");
        var jwk = from names in Gen.SubListOf("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops")
                  from values in value.ArrayOf(names.Count)
                  select $"{{{string.Join(',', names.Zip(values, (n, v) => $"\"{n}\":{v}"))}}}";
        Prop.ForAll(jwk.ToArbitrary(), json =>
        {
            using var document = JsonDocument.Parse(json);
            return JsonWebKey.Read(document.RootElement) is not { } key
                || !key.Verifies("ES256", "data"u8, new byte[64]);
        }).Check(Quick);
    }

    internal static string Sign(string header, string payload)
    {
        var signed =
            $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        var mac = new byte[32];
        Secrets.Signing.Sign(Encoding.ASCII.GetBytes(signed), mac);
        return $"{signed}.{Base64Url.EncodeToString(mac)}";
    }

    private static byte[] Changed(byte[] bytes, int place, int bit)
    {
        var copy = bytes.ToArray();
        copy[place] ^= (byte)(1 << bit);
        return copy;
    }
}
