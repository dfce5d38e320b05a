using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Dev;

/// <summary>
/// The tokens of the development identity provider, all RS256 JWS (RFC 7515): id tokens (OpenID Connect Core section
/// 2), and access and refresh tokens that carry the user themselves, so that they outlive a restart without a database.
/// </summary>
internal sealed class DevTokens(RSA key, string issuer, TimeProvider clock)
{
    public const string AccessToken = "access";
    public const string RefreshToken = "refresh";

    private static readonly TimeSpan IdTokenLifetime = TimeSpan.FromMinutes(10);

    private readonly string _keyId = Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()))[..16];

    /// <summary>The public key (RFC 7517).</summary>
    public JsonObject KeySet()
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["alg"] = "RS256",
                ["kid"] = _keyId,
                ["n"] = Base64Url.EncodeToString(parameters.Modulus),
                ["e"] = Base64Url.EncodeToString(parameters.Exponent),
            }),
        };
    }

    public string IdToken(DevUser user, string clientId, string? nonce)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = Claims(user);
        claims["iss"] = issuer;
        claims["aud"] = clientId;
        claims["iat"] = now;
        claims["exp"] = now + (long)IdTokenLifetime.TotalSeconds;
        if (nonce is not null)
        {
            claims["nonce"] = nonce;
        }

        return Sign(claims);
    }

    /// <param name="use"><see cref="AccessToken"/> or <see cref="RefreshToken"/>; one is not accepted as the
    /// other.</param>
    public string Opaque(DevUser user, string use, string scope)
    {
        var claims = Claims(user);
        claims["use"] = use;
        claims["scope"] = scope;
        claims["jti"] = RandomNumberGenerator.GetHexString(16, lowercase: true);
        return Sign(claims);
    }

    /// <summary>The user and scope of a token this provider made for that use, or null.</summary>
    public (DevUser User, string Scope)? Read(string token, string use)
    {
        var dot = token.LastIndexOf('.');
        var parts = token.Split('.');
        if (parts.Length != 3 || !Base64Url.IsValid(parts[1]) || !Base64Url.IsValid(parts[2]))
        {
            return null;
        }

        var signature = Base64Url.DecodeFromChars(parts[2]);
        if (!key.VerifyData(
            Encoding.ASCII.GetBytes(token[..dot]), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            return null;
        }

        using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
        var claims = document.RootElement;
        if (!claims.TryGetProperty("use", out var made) || made.GetString() != use)
        {
            return null;
        }

        var groups = claims.GetProperty("groups").EnumerateArray().Select(g => g.GetString()!).ToList();
        var user = new DevUser(Text(claims, "sub"), Text(claims, "email"), Text(claims, "name"), groups);
        return (user, Text(claims, "scope"));
    }

    /// <summary>The standard claims (OpenID Connect Core section 5.1) and <c>groups</c>.</summary>
    public static JsonObject Claims(DevUser user) => new()
    {
        ["sub"] = user.Sub,
        ["email"] = user.Email,
        ["email_verified"] = true,
        ["name"] = user.Name,
        ["groups"] = new JsonArray([.. user.Groups.Select(g => JsonValue.Create(g))]),
    };

    private static string Text(JsonElement claims, string name) => claims.GetProperty(name).GetString()!;

    private string Sign(JsonObject claims)
    {
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = _keyId };
        var input = $"{Encode(header)}.{Encode(claims)}";
        var signature = key.SignData(
            Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

    private static string Encode(JsonObject json) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
