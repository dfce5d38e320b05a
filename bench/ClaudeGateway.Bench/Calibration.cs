using System.Diagnostics;
using System.Security.Cryptography;

namespace ClaudeGateway.Bench;

/// <summary>
/// A fixed piece of work, the SHA-256 of 4 KiB: times divided by its time can be compared between machines, roughly.
/// </summary>
internal static class Calibration
{
    public const string Unit = "x SHA-256 of 4 KiB";

    private const int Calls = 500;

    private static readonly byte[] Block = new byte[4096];

    /// <summary>
    /// Nanoseconds of one piece: the least of many tries, since what else the machine does only ever adds.
    /// </summary>
    public static double Nanoseconds() => Enumerable.Range(0, 50).Min(_ => Once());

    /// <summary>Of one try, which takes about a millisecond.</summary>
    public static double Once()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Calls; i++)
        {
            SHA256.HashData(Block, hash);
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }
}
