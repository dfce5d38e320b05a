using System.Security.Cryptography;

namespace ClaudeGateway.Process;

internal static class RandomUuid
{
    private const int Length = 16;

    /// <summary>A version 4 UUID (RFC 9562 section 5.4) in lower case with hyphens.</summary>
    public static string Next()
    {
        Span<byte> octets = stackalloc byte[Length];
        RandomNumberGenerator.Fill(octets);
        octets[6] = (byte)(0x40 | (octets[6] & 0x0F));
        octets[8] = (byte)(0x80 | (octets[8] & 0x3F));
        return new Guid(octets, bigEndian: true).ToString();
    }
}
