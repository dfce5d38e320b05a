using System.Security.Cryptography;

namespace ClaudeGateway.Process;

/// <summary>
/// Names for what is open to see, such as requests; no secret is made here. Each thread fetches its random bytes for
/// many at once: asking for sixteen costs nearly as much as asking for thousands, and every request asks.
/// </summary>
internal static class RandomUuid
{
    private const int Length = 16;
    private const int Fetched = 256;

    [ThreadStatic]
    private static byte[]? ThreadOctets;

    [ThreadStatic]
    private static int ThreadLeft;

    /// <summary>A version 4 UUID (RFC 9562 section 5.4) in lower case with hyphens.</summary>
    public static string Next()
    {
        var fetched = ThreadOctets ??= new byte[Fetched * Length];
        if (ThreadLeft == 0)
        {
            RandomNumberGenerator.Fill(fetched);
            ThreadLeft = Fetched;
        }

        ThreadLeft--;
        var octets = fetched.AsSpan(ThreadLeft * Length, Length);
        octets[6] = (byte)(0x40 | (octets[6] & 0x0F));
        octets[8] = (byte)(0x80 | (octets[8] & 0x3F));
        return new Guid(octets, bigEndian: true).ToString();
    }
}
