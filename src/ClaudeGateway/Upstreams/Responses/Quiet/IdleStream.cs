using ClaudeGateway.Process;

namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// A body that is read as a whole: a read that brings no byte in time is an <see cref="IOException"/>.
/// </summary>
/// <param name="cancellation">That of the reads themselves is not looked at.</param>
internal sealed class IdleStream(Stream body, BodyWatch watch, CancellationToken cancellation) : ReadOnlyStream
{
    private readonly Deadline _silence = new(watch.IdleTimeout, watch.Clock, cancellation);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _silence.Restart(watch.IdleTimeout);
        try
        {
            // Cancelled and not abandoned: nothing may be written to the buffer once the reader has given up.
            return await body.ReadAsync(buffer, _silence.Token);
        }
        catch (OperationCanceledException e) when (_silence.IsOver)
        {
            throw new IOException(watch.Silence, e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _silence.Dispose();
            body.Dispose();
        }

        base.Dispose(disposing);
    }
}
