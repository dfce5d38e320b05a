using System.Buffers;
using System.Text;
using ClaudeGateway.Messages;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Tests.Messages;

/// <summary>Once a stream runs, an event leaves no garbage: counted on the one thread that does all the work.</summary>
public sealed class RelayAllocationTests
{
    private const int WarmUpEvents = 2_000;
    private const int Events = 10_000;

    private const string Delta =
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"so it goes: \"on\" and é on"}}""";
    private static readonly byte[] SseEvent = Encoding.UTF8.GetBytes($"event: content_block_delta\ndata: {Delta}\n\n");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_relayed_event_allocates_nothing(bool isMetered)
    {
        var allocated = await AllocatedAsync(() =>
        {
            var stream = new RelayedStream(SseEvent, isMetered ? UsageReader.For("text/event-stream") : null);
            return stream.Next;
        });

        AssertNone(allocated);
    }

    [Fact]
    public async Task What_the_relay_relayed_here_are_all_the_events()
    {
        var result = await Task.Run(() =>
        {
            var stream = new RelayedStream(SseEvent, null);
            stream.Next();
            stream.Next();
            return stream.EndAsync();
        });

        Assert.Equal((RelayEnd.Complete, 2L * SseEvent.Length), (result.End, result.Bytes));
    }

    [Fact]
    public async Task Usage_read_from_an_event_in_pieces_allocates_nothing() =>
        AssertNone(await AllocatedAsync(() =>
        {
            var reader = UsageReader.For("text/event-stream");
            return () =>
            {
                reader.Read(SseEvent.AsSpan(0, 50));
                reader.Read(SseEvent.AsSpan(50));
            };
        }));

    [Fact]
    public async Task A_translated_event_of_a_cloud_allocates_nothing() =>
        AssertNone(await AllocatedAsync(() => Translating(new SseTranslator([]), SseEvent)));

    [Fact]
    public async Task A_translated_frame_of_Bedrock_allocates_nothing() =>
        AssertNone(await AllocatedAsync(() => Translating(new BedrockTranslator([]), EventStreamFrames.Chunk(Delta))));

    private static Action Translating(EventTranslator translator, byte[] bytes)
    {
        var events = new ArrayBufferWriter<byte>(1024);
        return () =>
        {
            Assert.Null(translator.Translate(bytes, events));
            events.ResetWrittenCount();
        };
    }

    /// <summary>
    /// Bytes that <see cref="Events"/> calls allocate, on a thread without the test framework's synchronisation
    /// context.
    /// </summary>
    private static Task<long> AllocatedAsync(Func<Action> begin) => Task.Run(() =>
    {
        var next = begin();
        for (var i = 0; i < WarmUpEvents; i++)
        {
            next();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Events; i++)
        {
            next();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    /// <summary>
    /// The smallest object there is has 24 bytes; less than a byte an event is the runtime's own now and then.
    /// </summary>
    private static void AssertNone(long allocated) => Assert.InRange(allocated, 0, Events);
}
