using System.Text;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Upstreams.Bedrock;

public sealed class EventStreamReaderTests
{
    [Fact]
    public void A_known_frame_is_read()
    {
        // A message without headers and payload, as the AWS SDKs' own tests list it.
        Assert.Equal(["|"], Read([Convert.FromHexString("000000100000000005C248EB7D98C8FF")]));
    }

    [Fact]
    public void Messages_are_the_same_whatever_the_chunking()
    {
        var messages = ArbMap.Default.GeneratorFor<(NonNull<string> Type, byte[] Payload)[]>().Where(
            m => m.All(x => Encoding.UTF8.GetByteCount(x.Type.Item) < 60_000 && x.Payload is not null)).ToArbitrary();
        Prop.ForAll(messages, ArbMap.Default.ArbFor<PositiveInt>(), (sent, size) =>
        {
            var whole = sent.SelectMany(m => EventStreamFrames.Frame(m.Payload,
                (":event-type", Wire(m.Type.Item)))).ToArray();
            var expected = sent.Select(m => Wire(m.Type.Item) + "|" + Convert.ToHexString(m.Payload)).ToArray();
            return Read(whole.Chunk(size.Item)).SequenceEqual(expected) && Read([whole]).SequenceEqual(expected);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_flipped_bit_is_noticed_or_waited_for()
    {
        var frame = EventStreamFrames.Frame("payload"u8, (":event-type", "chunk"));
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            var damaged = (byte[])frame.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            var reader = new EventStreamReader();
            reader.Append(damaged);
            Assert.NotEqual(EventStreamStatus.Message, reader.TryRead(out _));
        }
    }

    [Theory]
    [InlineData("0000000F00000000")] // shorter than the smallest message
    [InlineData("0000001000000001")] // headers longer than the message
    [InlineData("FFFFFFFF00000000")]
    [InlineData("00000020FFFFFFFF")]
    public void Impossible_lengths_are_corrupt_even_with_a_right_checksum(string prelude)
    {
        var bytes = Convert.FromHexString(prelude);
        var reader = new EventStreamReader();
        reader.Append(bytes);
        reader.Append(
            BitConverter.GetBytes(
                System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(EventStreamFrames.Checksum(bytes))));

        Assert.Equal(EventStreamStatus.Corrupt, reader.TryRead(out _));
    }

    [Fact]
    public void Noise_never_throws() => Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>(), chunks =>
    {
        var reader = new EventStreamReader();
        foreach (var chunk in chunks)
        {
            reader.Append(chunk);
            while (reader.TryRead(out var message) == EventStreamStatus.Message)
            {
                message.Header(":event-type"u8);
            }
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_malformed_header_block_has_no_headers() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), block =>
    {
        var reader = new EventStreamReader();
        reader.Append(EventStreamFrames.Frame([], block));
        return reader.TryRead(out var message) == EventStreamStatus.Message && message.Header(":not-there"u8).IsEmpty;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Headers_of_every_type_are_stepped_over()
    {
        byte[] block =
        [
            1, (byte)'a', 0, 1, (byte)'b', 1, 1, (byte)'c', 2, 9, 1, (byte)'d', 3, 1, 2, 1, (byte)'e', 4, 1, 2, 3, 4,
            1, (byte)'f', 5, 1, 2, 3, 4, 5, 6, 7, 8, 1, (byte)'g', 6, 0, 2, 1, 2, 1, (byte)'h', 8, 1, 2, 3, 4, 5, 6, 7,
            8,
            1, (byte)'i', 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, (byte)'z', 7, 0, 2, (byte)'o',
            (byte)'k',
        ];
        var reader = new EventStreamReader();
        reader.Append(EventStreamFrames.Frame([], block));

        Assert.Equal(EventStreamStatus.Message, reader.TryRead(out var message));
        Assert.Equal("ok", Encoding.UTF8.GetString(message.Header("z"u8)));
    }

    private static List<string> Read(IEnumerable<byte[]> chunks)
    {
        var reader = new EventStreamReader();
        var found = new List<string>();
        foreach (var chunk in chunks)
        {
            reader.Append(chunk);
            while (reader.TryRead(out var message) == EventStreamStatus.Message)
            {
                found.Add(
                    Encoding.UTF8.GetString(message.Header(":event-type"u8)) + "|"
                    + Convert.ToHexString(message.Payload));
            }
        }

        Assert.Equal(0, reader.Pending);
        return found;
    }

    /// <summary>As the text comes back from UTF-8: a lone surrogate does not survive the wire.</summary>
    private static string Wire(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
