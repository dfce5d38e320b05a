namespace ClaudeGateway.Testing;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed on every machine and runtime.
/// </summary>
internal sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>From 0 to <paramref name="limit"/> - 1; 0 for a limit of 0.</summary>
    public int Below(int limit) => limit <= 0 ? 0 : (int)(Next() % (ulong)limit);

    public T Of<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    /// <summary>The bytes in pieces of any length, empty ones among them.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Cut(ReadOnlyMemory<byte> bytes)
    {
        var longest = 1 + Of([1, 8, 64, 4096]);
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(Below(longest + 1), bytes.Length);
            yield return bytes[..length];
            bytes = bytes[length..];
        }
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
