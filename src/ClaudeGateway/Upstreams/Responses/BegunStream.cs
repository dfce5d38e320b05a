using ClaudeGateway.Process;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>A body whose first bytes have been looked at already: they come first, then the rest.</summary>
internal sealed class BegunStream(ReadOnlyMemory<byte> begun, Stream rest) : ReadOnlyStream
{
    private int _taken;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _taken < begun.Length ? ValueTask.FromResult(Take(buffer.Span)) : rest.ReadAsync(buffer, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) =>
        _taken < begun.Length ? Take(buffer.AsSpan(offset, count)) : rest.Read(buffer, offset, count);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            rest.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, begun.Length - _taken);
        begun.Span.Slice(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }
}
