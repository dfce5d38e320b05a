using System.Numerics;

namespace ClaudeGateway.Bench;

/// <summary>
/// Counts of latencies in buckets 0.1 % wide, any number of threads adding at once (the idea of HdrHistogram: linear
/// within each power of two). Microseconds, up to half an hour.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 10;
    private const int Buckets = 22 << SubBucketBits;

    private readonly long[] _counts = new long[Buckets];
    private long _total;

    public void Add(TimeSpan latency)
    {
        Interlocked.Increment(ref _counts[Math.Min(Index((long)latency.TotalMicroseconds), Buckets - 1)]);
        Interlocked.Increment(ref _total);
    }

    /// <summary>The latency that this share of the samples does not exceed; 1 is the maximum.</summary>
    public TimeSpan Percentile(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * _total));
        var seen = 0L;
        for (var i = 0; i < Buckets; i++)
        {
            if ((seen += _counts[i]) >= rank)
            {
                return TimeSpan.FromMicroseconds(UpperEnd(i));
            }
        }

        return TimeSpan.Zero;
    }

    /// <summary>Values below 2,048 have a bucket each, then each doubling has 1,024.</summary>
    private static int Index(long microseconds)
    {
        var shift = Math.Max(0, BitOperations.Log2((ulong)Math.Max(1, microseconds)) - SubBucketBits);
        return (shift << SubBucketBits) + (int)(Math.Max(0, microseconds) >> shift);
    }

    private static long UpperEnd(int index)
    {
        var shift = Math.Max(0, (index >> SubBucketBits) - 1);
        return ((index - (shift << SubBucketBits) + 1L) << shift) - 1;
    }
}
