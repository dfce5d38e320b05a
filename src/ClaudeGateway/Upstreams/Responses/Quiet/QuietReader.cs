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

    /// <summary>Whether a read is under way that came to its time.</summary>
    public bool IsWaiting => _wait.IsReading;

    /// <summary>What <see cref="FillAsync"/> or <see cref="ReadAsync"/> brought, until <see cref="Release"/>; empty at
    /// the end.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer is { } buffer ? buffer.AsMemory(0, _wait.Count) : default;

    /// <summary>
    /// True when there are bytes or the end; false when the clock reaches <paramref name="until"/> before: then the
    /// next call goes on waiting for the same ones.
    /// </summary>
    /// <exception cref="IOException">Reading failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))] // Every event waits here: no garbage for it.
    public async ValueTask<bool> FillAsync(long until, CancellationToken cancellation) =>
        await ReadyAsync(until, cancellation) && await ReadAsync(until, cancellation);

    /// <summary>
    /// The first half of <see cref="FillAsync"/>, for a caller that spares a state machine: true when something may be
    /// read, false when the time is over.
    /// </summary>
    /// <exception cref="IOException">Reading failed.</exception>
    public ValueTask<bool> ReadyAsync(long until, CancellationToken cancellation) =>
        _buffer is null
            ? _wait.ReadAsync(Memory<byte>.Empty, until, cancellation)
            : ValueTask.FromResult(true);

    /// <summary>
    /// The second half. Ready need not mean that a read gives something: half a chunk or half a compressed block may
    /// have come.
    /// </summary>
    /// <exception cref="IOException">Reading failed.</exception>
    public ValueTask<bool> ReadAsync(long until, CancellationToken cancellation) =>
        _wait.ReadAsync(_buffer ??= ArrayPool<byte>.Shared.Rent(readBytes), until, cancellation);

    /// <summary>The bytes have been used.</summary>
    public void Release()
    {
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
