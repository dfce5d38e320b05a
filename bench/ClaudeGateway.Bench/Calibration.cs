using System.Diagnostics;
using System.Text.Json;

namespace ClaudeGateway.Bench;

/// <summary>
/// A fixed piece of work, the framework's reader over 4 KiB of JSON: times divided by its time can be compared between
/// machines, roughly. It is work of the kind that is measured; a hash, which processors do in hardware, is none: one
/// machine may be twice as fast at it and slower at everything else.
/// </summary>
internal static class Calibration
{
    public const string Unit = "x reading 4 KiB of JSON";

    private const int Bytes = 4096;
    private const int Calls = 200;

    private static readonly byte[] Block = Json();

    /// <summary>
    /// Nanoseconds of one piece: the least of many tries, since what else the machine does only ever adds.
    /// </summary>
    public static double Nanoseconds() => Enumerable.Range(0, 50).Min(_ => Once());

    /// <summary>Of one try, which takes about a millisecond.</summary>
    public static double Once()
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Calls; i++)
        {
            Read();
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }

    private static void Read()
    {
        var reader = new Utf8JsonReader(Block);
        while (reader.Read())
        {
        }
    }

    /// <summary>Messages as a request has them, short and long, up to so many bytes.</summary>
    private static byte[] Json()
    {
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (var i = 0; buffer.Length + json.BytesPending < Bytes - 400; i++)
            {
                json.WriteStartObject();
                json.WriteString("role"u8, "user"u8);
                json.WriteNumber("index"u8, i);
                json.WriteString("content"u8, new string('a', 20 * (1 + (i % 16))));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        // White space is what a reader passes over fastest, and little of it is left.
        var block = new byte[Bytes];
        block.AsSpan().Fill((byte)' ');
        buffer.ToArray().CopyTo(block, 0);
        return block;
    }
}
