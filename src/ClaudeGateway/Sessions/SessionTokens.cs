using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;

namespace ClaudeGateway.Sessions;

/// <summary>A bearer and its lifetime in seconds.</summary>
internal readonly record struct MintedToken(string Token, long ExpiresIn);

/// <summary>
/// The gateway's own bearers: JWTs (RFC 7519) signed with HMAC-SHA256 (RFC 7518 section 3.2), no other algorithm,
/// checked as spec/auth.md, Bearer, says. <c>exp</c> and <c>sub</c> are required even of one who holds the secret.
/// </summary>
internal sealed class SessionTokens(SessionSecrets secrets, string? issuer, TimeSpan ttl, TimeProvider clock)
{
    private const string Audience = "claude-gateway";
    private const int MacBytes = 32;
    private const int MacChars = 43;
    public SessionTokens(GatewayConfig config, SessionSecrets secrets, TimeProvider clock)
        : this(secrets, config.Listen.PublicUrl, config.Session.Ttl, clock)
    {
        BillingGroupTag = config.Admin?.BillingGroupTag;
    }

    /// <summary>
    /// Tells clients which request tag bills a group (spec/inference.md, tags); null leaves the claim out.
    /// </summary>
    public string? BillingGroupTag { get; init; }

    /// <summary>An id for a token or a session: 128 random bits.</summary>
    public static string NewId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));

    public MintedToken Mint(Identity identity, string sessionId)
    {
        var lifetime = Math.Max(1, (long)ttl.TotalSeconds);
        var issuedAt = clock.GetUtcNow().ToUnixTimeSeconds();
        var payload = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(payload, JsonWriting.Plain))
        {
            json.WriteStartObject();
            json.WriteString("sub", identity.Sub);
            WriteIfPresent(json, "email", identity.Email);
            WriteIfPresent(json, "name", identity.Name);
            if (identity.Groups.Count > 0)
            {
                json.WriteStartArray("groups");
                foreach (var group in identity.Groups)
                {
                    json.WriteStringValue(group);
                }

                json.WriteEndArray();
            }

            json.WriteString("aud", Audience);
            json.WriteNumber("iat", issuedAt);
            json.WriteNumber("exp", issuedAt + lifetime);
            WriteIfPresent(json, "iss", issuer);
            json.WriteString("jti", NewId());
            json.WriteString("sid", sessionId);
            WriteIfPresent(json, "billing_group_tag", BillingGroupTag);
            json.WriteEndObject();
        }

        var header = Encoding.ASCII.GetBytes($$"""{"alg":"HS256","typ":"JWT","kid":"{{secrets.Signing.KeyId}}"}""");
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload.WrittenSpan)}";
        Span<byte> mac = stackalloc byte[MacBytes];
        secrets.Signing.Sign(Encoding.ASCII.GetBytes(signed), mac);
        return new MintedToken($"{signed}.{Base64Url.EncodeToString(mac)}", lifetime);
    }

    /// <summary>
    /// The developer a bearer names, or null when it is not one of ours or its time is over. Never throws, whatever the
    /// text.
    /// </summary>
    public Principal? Verify(ReadOnlySpan<char> token)
    {
        var headerEnd = token.IndexOf('.');
        var payloadEnd = token.LastIndexOf('.');
        if (headerEnd <= 0 || payloadEnd <= headerEnd || token.Length - payloadEnd - 1 != MacChars
            || !Ascii.IsValid(token))
        {
            return null;
        }

        var bytes = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            Ascii.FromUtf16(token, bytes, out var length);
            var text = bytes.AsSpan(0, length);
            Span<byte> mac = stackalloc byte[MacBytes];
            return Base64Url.DecodeFromUtf8(text[(payloadEnd + 1)..], mac, out _,
                out var written) == OperationStatus.Done && written == MacBytes
                && IsSigned(text[..headerEnd], text[..payloadEnd], mac)
                    ? ReadClaims(text[(headerEnd + 1)..payloadEnd])
                    : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static void WriteIfPresent(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private bool IsSigned(ReadOnlySpan<byte> header, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> mac)
    {
        using var json = Parse(header);
        if (json?.RootElement is not { ValueKind: JsonValueKind.Object } fields
            || !fields.TryGetProperty("alg", out var alg) || alg.ValueKind != JsonValueKind.String
            || !alg.ValueEquals("HS256")
            || fields.TryGetProperty("crit", out _))
        {
            return false;
        }

        var keyId = fields.TryGetProperty("kid", out var kid) ? kid : default;
        Span<byte> expected = stackalloc byte[MacBytes];
        foreach (var key in secrets.All)
        {
            if (keyId.ValueKind != JsonValueKind.Undefined
                && (keyId.ValueKind != JsonValueKind.String || !keyId.ValueEquals(key.KeyId)))
            {
                continue;
            }

            key.Sign(signed, expected);
            if (CryptographicOperations.FixedTimeEquals(expected, mac))
            {
                return true;
            }
        }

        return false;
    }

    private Principal? ReadClaims(ReadOnlySpan<byte> payload)
    {
        using var json = Parse(payload);
        if (json?.RootElement is not { ValueKind: JsonValueKind.Object } claims
            || claims.Text("sub") is not { Length: > 0 } sub
            || Time(claims, "exp") is not { } expires
            || (claims.TryGetProperty("iat", out var issued) && issued.ValueKind != JsonValueKind.Number)
            || !IsForUs(claims))
        {
            return null;
        }

        var now = clock.GetUtcNow();
        if (expires <= now || (claims.TryGetProperty("nbf", out _) && !(Time(claims, "nbf") <= now)))
        {
            return null;
        }

        var issuedAt = Time(claims, "iat") ?? DateTimeOffset.UnixEpoch;
        return new Principal(sub, claims.Text("email"), claims.Text("name"), Groups(claims))
        {
            ExpiresAt = expires,
            IssuedAt = issuedAt,
            // The reference's bearers have no jti; two of one person in one second are alike.
            TokenId = claims.Text("jti") ?? $"{sub}@{issuedAt.ToUnixTimeSeconds()}",
            SessionId = claims.Text("sid"),
        };
    }

    private bool IsForUs(JsonElement claims) =>
        claims.TryGetProperty("aud", out var audience)
        && (audience.ValueKind == JsonValueKind.Array
                ? audience.EnumerateArray().Any(IsAudience)
                : IsAudience(audience))
        && (issuer is null
                || (claims.TryGetProperty("iss", out var iss)
                    && iss.ValueKind == JsonValueKind.String && iss.ValueEquals(issuer)));

    private static bool IsAudience(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.ValueEquals(Audience);

    private static string[] Groups(JsonElement claims) =>
        claims.TryGetProperty("groups", out var groups) && groups.ValueKind == JsonValueKind.Array
            ? [.. groups.EnumerateArray().Where(group => group.ValueKind == JsonValueKind.String)
                .Select(group => group.GetString()!)]
            : [];

    /// <summary>A NumericDate (RFC 7519 section 2): seconds, possibly with a fraction.</summary>
    private static DateTimeOffset? Time(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var seconds)
            && seconds is >= 0 and < 253_402_300_800
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : null;

    private static JsonDocument? Parse(ReadOnlySpan<byte> encoded)
    {
        var json = new byte[Base64Url.GetMaxDecodedLength(encoded.Length)];
        return Base64Url.DecodeFromUtf8(encoded, json, out _, out var written) == OperationStatus.Done
            ? StrictJson.Parse(json.AsMemory(0, written))
            : null;
    }
}
