using System.Threading.Tasks.Sources;

namespace ClaudeGateway.Testing;

/// <summary>
/// A stream on which one event arrives whenever <see cref="Next"/> is called. Its reader goes on within that call, on
/// the same thread, and the stream itself allocates nothing: whatever the thread allocates is the reader's.
/// </summary>
internal sealed class SteppedStream(byte[] streamEvent) : Stream, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<int> _wait;
    private Memory<byte> _target;
    private bool _isWaiting;
    private bool _hasEvent;
    private bool _isAtEnd;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Next()
    {
        _hasEvent = true;
        Wake();
    }

    public void End()
    {
        _isAtEnd = true;
        Wake();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_hasEvent || _isAtEnd)
        {
            return ValueTask.FromResult(Take(buffer));
        }

        _wait.Reset();
        _target = buffer;
        _isWaiting = true;
        return new ValueTask<int>(this, _wait.Version);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public int GetResult(short token) => _wait.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _wait.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Wake()
    {
        if (_isWaiting)
        {
            _isWaiting = false;
            _wait.SetResult(Take(_target));
        }
    }

    /// <summary>An empty buffer only waits.</summary>
    private int Take(Memory<byte> buffer)
    {
        if (buffer.IsEmpty || !_hasEvent)
        {
            return 0;
        }

        _hasEvent = false;
        streamEvent.CopyTo(buffer);
        return streamEvent.Length;
    }
}
