using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn.Jose;

/// <summary>A JWS in compact serialization (RFC 7515 section 3.1), read but not yet verified.</summary>
internal sealed class SignedToken
{
    /// <summary>Far above any id_token; what an IdP sends is bounded anyway.</summary>
    private const int MaxChars = 1024 * 1024;

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private SignedToken(string algorithm, string? keyId, byte[] signed, byte[] signature, JsonElement payload)
    {
        Algorithm = algorithm;
        KeyId = keyId;
        _signed = signed;
        _signature = signature;
        Payload = payload;
    }

    public string Algorithm { get; }

    public string? KeyId { get; }

    /// <summary>The claims, a JSON object. Believe nothing of it before <see cref="IsSignedBy"/>.</summary>
    public JsonElement Payload { get; }

    /// <summary>The token, or null when the text is not a JWS with a JSON object in it. Never throws.</summary>
    public static SignedToken? Read(string text)
    {
        var parts = text.Length <= MaxChars ? text.Split('.') : [];
        if (parts.Length != 3
            || Json(parts[0]) is not { } header
            || Json(parts[1]) is not { } payload
            || Decode(parts[2]) is not { } signature
            || !header.TryGetProperty("alg", out var algorithm) || algorithm.ValueKind != JsonValueKind.String
            // No extension is understood here, and a critical one must be (RFC 7515 section 4.1.11).
            || header.TryGetProperty("crit", out _))
        {
            return null;
        }

        var keyId = header.TryGetProperty("kid", out var kid) && kid.ValueKind == JsonValueKind.String
            ? kid.GetString()
            : null;
        return new SignedToken(
            algorithm.GetString()!, keyId, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), signature, payload);
    }

    public bool IsSignedBy(JsonWebKey key) => key.Verifies(Algorithm, _signed, _signature);

    private static JsonElement? Json(string encoded)
    {
        using var json = Decode(encoded) is { } bytes ? StrictJson.Parse(bytes) : null;
        return json?.RootElement is { ValueKind: JsonValueKind.Object } value ? value.Clone() : null;
    }

    private static byte[]? Decode(string encoded)
    {
        // The framework's decoder also takes blanks and padding, which RFC 7515 section 2 does not.
        if (encoded.AsSpan().ContainsAnyExcept(Base64UrlChars))
        {
            return null;
        }

        var bytes = new byte[Base64Url.GetMaxDecodedLength(encoded.Length)];
        return Base64Url.DecodeFromChars(encoded, bytes, out _, out var written) == OperationStatus.Done
            ? bytes[..written]
            : null;
    }

    private static readonly SearchValues<char> Base64UrlChars = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}
