using System.Buffers;
using System.IO.Pipelines;
using ClaudeGateway.Http;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

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
/// Passes an upstream's answer on to the client, bytes as they come and nothing added. Whatever the upstream has sent
/// is passed on before the next wait, and what has arrived together leaves together. Between two events it holds no
/// buffer (a zero-byte read waits for data) and, once started, allocates nothing per event.
/// </summary>
internal sealed class ResponseRelay(InferenceMeters meters, TimeProvider clock)
{
    /// <summary>What is read at once.</summary>
    private const int ReadBytes = 16 * 1024;

    /// <summary>
    /// One read in so many is timed, the first ones not: two events are a short answer, and nothing waits in those.
    /// </summary>
    private const int ReadsPerTimed = 64;

    /// <summary>What is gathered at most before it is sent: a block of the server's.</summary>
    private const int MaxGatheredBytes = BlockPool.BlockBytes;

    /// <summary>The response's status and headers must have been set.</summary>
    /// <param name="usage">Shown every byte as it passes; null when nobody reads along.</param>
    /// <param name="isStream">Whether it counts as an open stream.</param>
    public async Task<RelayResult> RelayAsync(
        GatewayRequest request, UpstreamResponse upstream, string? acceptEncoding, UsageReader? usage, bool isStream)
    {
        var aborted = request.Aborted;
        var sender = new GatheringSender(request.Http);
        long bytes = 0, firstByteAt = 0, timedFrom = 0;
        var reads = 0;
        if (isStream)
        {
            meters.StreamBegan();
        }

        try
        {
            await using var body = upstream.OpenBody(acceptEncoding);
            while (true)
            {
                var waiting = body.ReadAsync(Memory<byte>.Empty, aborted);
                if (!waiting.IsCompleted || sender.GatheredBytes >= MaxGatheredBytes)
                {
                    await sender.SendAsync();
                    timedFrom = TimedSince(timedFrom);
                }

                await waiting;
                var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
                // Ready need not mean that a read gives something: half a chunk or half a compressed block may have
                // come.
                var reading = body.ReadAsync(buffer.AsMemory(0, ReadBytes), aborted);
                if (!reading.IsCompleted)
                {
                    await sender.SendAsync();
                }

                var read = await reading;
                if (sender.IsClientGone || read == 0)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    await sender.EndAsync();
                    return new RelayResult(
                        sender.IsClientGone ? RelayEnd.ClientGone : RelayEnd.Complete, bytes, firstByteAt);
                }

                firstByteAt = firstByteAt == 0 ? clock.GetTimestamp() : firstByteAt;
                bytes += read;
                usage?.Read(buffer.AsSpan(0, read));
                sender.Gather(buffer.AsSpan(0, read));
                if (++reads % ReadsPerTimed == ReadsPerTimed / 2 && timedFrom == 0 && meters.TimesEvents)
                {
                    timedFrom = clock.GetTimestamp();
                }

                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
        catch (Exception e)
            when (
                aborted.IsCancellationRequested
                && e is OperationCanceledException or IOException or ObjectDisposedException or HttpRequestException)
        {
            return new RelayResult(RelayEnd.ClientGone, bytes, firstByteAt);
        }
        catch (Exception e) when (e is IOException or HttpRequestException || ContentCoding.IsBroken(e))
        {
            await sender.SendAsync();
            request.BreakOff();
            return new RelayResult(RelayEnd.UpstreamCut, bytes, firstByteAt);
        }
        finally
        {
            if (isStream)
            {
                meters.StreamEnded();
            }
        }
    }

    /// <summary>What was read at that time, if any was timed, has just been sent.</summary>
    private long TimedSince(long timestamp)
    {
        if (timestamp != 0)
        {
            meters.EventWasDelayed(clock.GetElapsedTime(timestamp));
        }

        return 0;
    }

    /// <summary>The client's side: gathers what comes until it is sent.</summary>
    private sealed class GatheringSender(HttpContext http)
    {
        private bool _hasBegun;

        public int GatheredBytes { get; private set; }

        public bool IsClientGone { get; private set; }

        public void Gather(ReadOnlySpan<byte> bytes)
        {
            http.Response.BodyWriter.Write(bytes);
            GatheredBytes += bytes.Length;
        }

        /// <summary>
        /// The server itself sends what is left, together with the last chunk; where the length is declared there is
        /// none, and nothing would send it.
        /// </summary>
        public ValueTask EndAsync() => http.Response.ContentLength is null ? ValueTask.CompletedTask : SendAsync();

        /// <summary>
        /// Sends what there is, at first the headers alone too. A client that has gone is no error here: its request is
        /// aborted, which ends whatever is being read for it.
        /// </summary>
        public ValueTask SendAsync()
        {
            if (_hasBegun && GatheredBytes == 0)
            {
                return ValueTask.CompletedTask;
            }

            _hasBegun = true;
            GatheredBytes = 0;
            var flushing = http.Response.BodyWriter.FlushAsync(http.RequestAborted);
            if (!flushing.IsCompletedSuccessfully)
            {
                return SentAsync(flushing);
            }

            Sent(!flushing.Result.IsCompleted);
            return ValueTask.CompletedTask;
        }

        /// <summary>The client takes less than comes.</summary>
        private async ValueTask SentAsync(ValueTask<FlushResult> flushing)
        {
            try
            {
                Sent(!(await flushing).IsCompleted);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
            {
                Sent(false);
            }
        }

        private void Sent(bool isTaken)
        {
            if (!isTaken)
            {
                IsClientGone = true;
                http.Abort();
            }
        }
    }
}
