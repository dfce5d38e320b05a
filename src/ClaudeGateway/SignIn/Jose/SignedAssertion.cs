using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ClaudeGateway.SignIn.Jose;

/// <summary>
/// Assertions the gateway makes about itself (RFC 7523): a JWT in compact serialization, signed with RS256.
/// </summary>
internal static class SignedAssertion
{
    /// <param name="header">The JOSE header as JSON; it must say <c>"alg":"RS256"</c>.</param>
    /// <param name="writeClaims">Writes the members of the payload's object.</param>
    public static string Create(ReadOnlySpan<byte> header, Action<Utf8JsonWriter> writeClaims, RSA key)
    {
        var payload = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            writeClaims(json);
            json.WriteEndObject();
        }

        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload.WrittenSpan)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var signature = key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }
}
