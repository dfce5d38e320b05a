using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn.Jose;

/// <summary>
/// A public key from a JWK Set (RFC 7517) for checking signatures: RSA from 2,048 bits, EC on P-256, P-384 and P-521,
/// and Ed25519. Other keys in a set are skipped, as RFC 7517 section 5 asks.
/// </summary>
internal sealed class JsonWebKey
{
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 16384;

    private readonly RSAParameters? _rsa;
    private readonly ECParameters? _ec;
    private readonly byte[]? _ed25519;

    private JsonWebKey(string? keyId, string? algorithm, RSAParameters? rsa, ECParameters? ec, byte[]? ed25519)
    {
        KeyId = keyId;
        Algorithm = algorithm;
        _rsa = rsa;
        _ec = ec;
        _ed25519 = ed25519;
    }

    public string? KeyId { get; }

    /// <summary>The one algorithm the key is for, or null when its owner does not say.</summary>
    public string? Algorithm { get; }

    /// <summary>The usable keys of a JWK Set; empty when it has none or is not a set.</summary>
    public static IReadOnlyList<JsonWebKey> ReadSet(JsonElement set)
    {
        if (set.ValueKind != JsonValueKind.Object || !set.TryGetProperty("keys", out var keys)
            || keys.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        return [.. keys.EnumerateArray().Select(Read).OfType<JsonWebKey>()];
    }

    /// <summary>The key, or null when it is not one this gateway can check signatures with.</summary>
    public static JsonWebKey? Read(JsonElement jwk)
    {
        if (jwk.ValueKind != JsonValueKind.Object || jwk.Text("use") is not (null or "sig") || !AllowsVerify(jwk))
        {
            return null;
        }

        var keyId = jwk.Text("kid");
        var algorithm = jwk.Text("alg");
        return jwk.Text("kty") switch
        {
            "RSA" => ReadRsa(jwk) is { } rsa ? new JsonWebKey(keyId, algorithm, rsa, null, null) : null,
            "EC" => ReadEc(jwk) is { } ec ? new JsonWebKey(keyId, algorithm, null, ec, null) : null,
            "OKP" when jwk.Text("crv") == "Ed25519" && Bytes(jwk, "x") is { Length: Ed25519.PublicKeyBytes } x =>
                new JsonWebKey(keyId, algorithm, null, null, x),
            _ => null,
        };
    }

    /// <summary>
    /// Whether this key made <paramref name="signature"/> with <paramref name="algorithm"/> (RFC 7518 section 3.1).
    /// Never throws on any input.
    /// </summary>
    public bool Verifies(string algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (Algorithm is not null && !Algorithm.Equals(algorithm, StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            return algorithm switch
            {
                "RS256" => VerifiesRsa(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                "RS384" => VerifiesRsa(data, signature, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
                "RS512" => VerifiesRsa(data, signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
                "PS256" => VerifiesRsa(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
                "PS384" => VerifiesRsa(data, signature, HashAlgorithmName.SHA384, RSASignaturePadding.Pss),
                "PS512" => VerifiesRsa(data, signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
                "ES256" => VerifiesEc(data, signature, HashAlgorithmName.SHA256, ECCurve.NamedCurves.nistP256),
                "ES384" => VerifiesEc(data, signature, HashAlgorithmName.SHA384, ECCurve.NamedCurves.nistP384),
                "ES512" => VerifiesEc(data, signature, HashAlgorithmName.SHA512, ECCurve.NamedCurves.nistP521),
                "EdDSA" or "Ed25519" => _ed25519 is not null && Ed25519.Verifies(_ed25519, data, signature),
                _ => false,
            };
        }
        catch (CryptographicException)
        {
            // A key the platform refuses, e.g. a point that is not on its curve.
            return false;
        }
    }

    private bool VerifiesRsa(
        ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash, RSASignaturePadding padding)
    {
        if (_rsa is not { } parameters)
        {
            return false;
        }

        using var rsa = RSA.Create(parameters);
        return rsa.VerifyData(data, signature, hash, padding);
    }

    /// <summary>Each EC algorithm goes with one curve (RFC 7518 section 3.4).</summary>
    private bool VerifiesEc(
        ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash, ECCurve curve)
    {
        if (_ec is not { } parameters || parameters.Curve.Oid.FriendlyName != curve.Oid.FriendlyName)
        {
            return false;
        }

        using var ec = ECDsa.Create(parameters);
        return ec.VerifyData(data, signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static bool AllowsVerify(JsonElement jwk) =>
        !jwk.TryGetProperty("key_ops", out var operations)
        || (operations.ValueKind == JsonValueKind.Array
                && operations.EnumerateArray().Any(operation =>
                    operation.ValueKind == JsonValueKind.String && operation.ValueEquals("verify")));

    private static RSAParameters? ReadRsa(JsonElement jwk)
    {
        if (Bytes(jwk, "n") is not { } n || Bytes(jwk, "e") is not { Length: > 0 and <= 8 } e)
        {
            return null;
        }

        // Some issuers prepend the sign byte that RFC 7518 section 6.3.1.1 forbids; it changes nothing.
        var modulus = n.AsSpan().TrimStart((byte)0).ToArray();
        return modulus.Length is >= MinRsaBits / 8 and <= MaxRsaBits / 8
            ? new RSAParameters { Modulus = modulus, Exponent = e }
            : null;
    }

    private static ECParameters? ReadEc(JsonElement jwk)
    {
        (ECCurve Curve, int Bytes)? curve = jwk.Text("crv") switch
        {
            "P-256" => (ECCurve.NamedCurves.nistP256, 32),
            "P-384" => (ECCurve.NamedCurves.nistP384, 48),
            "P-521" => (ECCurve.NamedCurves.nistP521, 66),
            _ => null,
        };
        return curve is { } known && Bytes(jwk, "x") is { } x && Bytes(jwk, "y") is { } y && x.Length == known.Bytes
            && y.Length == known.Bytes
            ? new ECParameters { Curve = known.Curve, Q = new ECPoint { X = x, Y = y } }
            : null;
    }

    private static byte[]? Bytes(JsonElement json, string name)
    {
        if (json.Text(name) is not { } text)
        {
            return null;
        }

        var bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        return Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done
            ? bytes[..written]
            : null;
    }
}
