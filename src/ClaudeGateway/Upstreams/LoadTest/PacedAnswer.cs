using System.IO.Pipelines;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.LoadTest;

/// <summary>A canned answer whose events are spread over a given time, as a model's would be.</summary>
internal sealed class PacedAnswer(Upstream upstream, CannedReply reply, TimeSpan duration, TimeProvider clock)
    : UpstreamResponse(upstream, StatusCodes.Status200OK, null)
{
    private const int DeltasPerSecond = 20;
    private const int FewestDeltas = 8;

    private readonly CancellationTokenSource _stopped = new();

    public override void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
    {
        headers.ContentType = "text/event-stream";
        headers.CacheControl = "no-cache";
    }

    public override Stream OpenBody(string? acceptEncoding)
    {
        var pipe = new Pipe();
        _ = WriteAsync(pipe.Writer, _stopped.Token);
        return pipe.Reader.AsStream();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stopped.Cancel();
            _stopped.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task WriteAsync(PipeWriter writer, CancellationToken cancellation)
    {
        try
        {
            var events = reply.Events(Math.Max(FewestDeltas, (int)(duration.TotalSeconds * DeltasPerSecond))).ToArray();
            var pause = duration / events.Length;
            foreach (var bytes in events)
            {
                var flushed = await writer.WriteAsync(bytes, cancellation);
                if (flushed.IsCompleted)
                {
                    break;
                }

                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(pause, clock, cancellation);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The client left before the end.
        }

        await writer.CompleteAsync();
    }
}
