using System.Text;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Fuzzing;

/// <summary>
/// Makes a new input of those of a corpus: a few damages or splices of bytes, and of what JSON and event streams are
/// made of.
/// </summary>
internal static class Mutation
{
    private const int MaxLength = 64 * 1024;
    private const int MaxSteps = 6;
    private const int MaxNesting = 3000;

    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "true", "-1", "1e400", "99999999999999999999", "0.5",
            "\"\\ud800\"", "\\ud800", "\\udc00", "\\u0000", "\\u006d", "\\u", "\"\"",
            "\"model\"", "\"model\":\"a\",", "\"m\\u006fdel\":1,", "\"tags\"", "\"tags\":{},", "\"tags\":null,",
            "\"usage\":", "\"usage\":{\"input_tokens\":-5},", "\"type\":", "\"stream\":true,", "\"mod\\ud800l\":0,",
            "\"\\ud800\":0,",
            "\n", "\r", "\r\n", "\n\n", "data:", "data: ", "data", "event: ", "event:error\n", ":", "id: 1\n",
            "\"message_start\"", "\"message_delta\"", "\"content_block_delta\"", "\"text\":\"", "\0", " ", "\t",
            "\uFEFF", ".", "=",
            "- ", "&x ", "*x", "<<: ", "|\n", ">", "#", "%", "!!str ", "---\n", "...\n", "?", "${A}", "${file:/}", "'",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F], [0xC0, 0xAF], [0x80], // no UTF-8
    ];

    public static byte[] Next(FuzzRandom random, IReadOnlyList<byte[]> corpus)
    {
        var bytes = random.Of(corpus).ToList();
        for (var steps = random.Below(MaxSteps) + 1; steps > 0; steps--)
        {
            Step(random, bytes, corpus);
        }

        return [.. bytes.Take(MaxLength)];
    }

    private static void Step(FuzzRandom random, List<byte> bytes, IReadOnlyList<byte[]> corpus)
    {
        var at = random.Below(bytes.Count);
        var length = random.Below(Math.Min(bytes.Count - at, random.Of([2, 16, 4096])));
        switch (random.Below(9))
        {
            case 0 when bytes.Count > 0:
                bytes[at] ^= (byte)(1 << random.Below(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[at] = (byte)random.Below(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                // Repeated in place or elsewhere: duplicate members, events twice or out of order.
                bytes.InsertRange(random.Below(bytes.Count), bytes.GetRange(at, length));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5:
                var other = random.Of(corpus);
                var from = random.Below(other.Length);
                bytes.InsertRange(at, other.Skip(from).Take(random.Below(other.Length - from)));
                break;
            case 6:
                Nest(random, bytes, at);
                break;
            default:
                bytes.InsertRange(at, random.Of(Words));
                break;
        }
    }

    /// <summary>
    /// Brackets around what stands between two commas or colons, so that a valid text often stays valid.
    /// </summary>
    private static void Nest(FuzzRandom random, List<byte> bytes, int at)
    {
        var start = bytes.IndexOf((byte)':', at) + 1;
        var end = start == 0 ? -1 : bytes.FindIndex(start, b => b is (byte)',' or (byte)'}');
        if (end > 0)
        {
            var depth = random.Below(random.Of([4, 70, MaxNesting]));
            bytes.InsertRange(end, Enumerable.Repeat((byte)']', depth));
            bytes.InsertRange(start, Enumerable.Repeat((byte)'[', depth));
        }
    }
}
