using System.Buffers;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>The events that the gateway itself adds to a stream.</summary>
internal static class StreamEvents
{
    private static readonly byte[] PingEvent = "event: ping\ndata: {\"type\": \"ping\"}\n\n"u8.ToArray();

    public static ReadOnlyMemory<byte> Ping => PingEvent;

    public static void WriteError(IBufferWriter<byte> events, StreamFailure failure, string requestId)
    {
        events.Write("event: error\ndata: "u8);
        events.Write(failure.Error.ToJson(requestId).Span);
        events.Write("\n\n"u8);
    }
}
