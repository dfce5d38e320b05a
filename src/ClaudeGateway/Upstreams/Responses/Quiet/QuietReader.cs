using System.Buffers;
using System.Runtime.CompilerServices;

namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// Reads a stream that may fall silent: a wait ends with bytes or with a time, and a buffer is held only while there
/// are bytes. Once the stream runs, reading allocates nothing. One read at a time.
/// </summary>
internal sealed class QuietReader(Stream body, TimeProvider clock, int readBytes) : IDisposable
{
    private readonly QuietWait _wait = new(body, clock);
    private byte[]? _buffer;
    private int _count;

    /// <summary>Whether a read is under way that came to its time.</summary>
    public bool IsWaiting => _wait.IsReading;

    /// <summary>What <see cref="FillAsync"/> brought, until <see cref="Release"/>; empty at the end.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _count);

    /// <summary>
    /// True when there are bytes or the end; false when the clock reaches <paramref name="until"/> before: then the
    /// next call goes on waiting for the same ones.
    /// </summary>
    /// <exception cref="IOException">Reading failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))] // Every event waits here: no garbage for it.
    public async ValueTask<bool> FillAsync(long until, CancellationToken cancellation)
    {
        if (_buffer is null)
        {
            if (!await _wait.ReadAsync(Memory<byte>.Empty, until, cancellation))
            {
                return false;
            }

            _buffer = ArrayPool<byte>.Shared.Rent(readBytes);
        }

        // Ready need not mean that a read gives something: half a chunk or half a compressed block may have come.
        if (!await _wait.ReadAsync(_buffer, until, cancellation))
        {
            return false;
        }

        _count = _wait.Count;
        return true;
    }

    /// <summary>The bytes have been used.</summary>
    public void Release()
    {
        _count = 0;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        _wait.Dispose();
        if (!_wait.IsReading)
        {
            // A read under way may still write into it.
            Release();
        }
    }
}
