using ClaudeGateway.Http;
using ClaudeGateway.Spend;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Messages;

/// <summary>How the relaying of an answer ended.</summary>
internal enum RelayEnd
{
    Complete,

    /// <summary>The upstream broke off, and so does the answer to the client.</summary>
    UpstreamCut,

    ClientGone,
}

/// <summary>What was relayed.</summary>
/// <param name="FirstByteAt">Timestamp of the first body byte, or 0 when none came.</param>
internal readonly record struct RelayResult(RelayEnd End, long Bytes, long FirstByteAt);

/// <summary>
/// Passes an upstream's answer on to the client, bytes as they come and nothing added. Between two events it holds no
/// buffer (a zero-byte read waits for data) and, once started, allocates nothing per event.
/// </summary>
internal sealed class ResponseRelay(TimeProvider clock)
{
    /// <summary>The server's memory block: a larger request would be served from a new array.</summary>
    private const int ReadSize = 4096;

    /// <summary>The response's status and headers must have been set.</summary>
    /// <param name="usage">Shown every byte as it passes; null when nobody reads along.</param>
    public async Task<RelayResult> RelayAsync(GatewayRequest request, UpstreamResponse upstream, string? acceptEncoding, UsageReader? usage)
    {
        var aborted = request.Aborted;
        var writer = request.Http.Response.BodyWriter;
        long bytes = 0, firstByteAt = 0;
        try
        {
            var firstByte = upstream.FirstByte;
            if (!firstByte.IsCompleted)
            {
                // Nothing to send with the headers yet, so they go ahead (StartAsync alone would not send them).
                await writer.FlushAsync(aborted);
            }

            await firstByte;
            await using var body = upstream.OpenBody(acceptEncoding);
            while (true)
            {
                var waiting = body.ReadAsync(Memory<byte>.Empty, aborted);
                if (!waiting.IsCompleted && !request.Http.Response.HasStarted)
                {
                    // Nothing to send with the headers yet, so they go ahead (StartAsync alone would not send them).
                    await writer.FlushAsync(aborted);
                }

                await waiting;
                var memory = writer.GetMemory(ReadSize);
                var read = await body.ReadAsync(memory, aborted);
                if (read == 0)
                {
                    return new RelayResult(RelayEnd.Complete, bytes, firstByteAt);
                }

                firstByteAt = firstByteAt == 0 ? clock.GetTimestamp() : firstByteAt;
                bytes += read;
                usage?.Read(memory.Span[..read]);
                writer.Advance(read);
                var flushed = await writer.FlushAsync(aborted);
                if (flushed.IsCompleted)
                {
                    return new RelayResult(RelayEnd.ClientGone, bytes, firstByteAt);
                }
            }
        }
        catch (Exception e) when (aborted.IsCancellationRequested && e is OperationCanceledException or IOException or ObjectDisposedException or HttpRequestException)
        {
            return new RelayResult(RelayEnd.ClientGone, bytes, firstByteAt);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            request.BreakOff();
            return new RelayResult(RelayEnd.UpstreamCut, bytes, firstByteAt);
        }
    }
}
