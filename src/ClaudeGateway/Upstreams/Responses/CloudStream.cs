using System.Buffers;
using System.Runtime.CompilerServices;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// The events of a cloud's stream as bytes for the client. When the upstream is silent it sends pings, so that no proxy
/// on the way takes the connection for dead; when the upstream fails it ends with one error event (spec/clouds.md,
/// Responses). Reading never fails but by the client's leaving.
/// </summary>
/// <param name="onFailure">Told once how the stream failed, if it did.</param>
internal sealed class CloudStream(
    Stream body,
    EventTranslator translator,
    string requestId,
    TimeProvider clock,
    Action<StreamFailure> onFailure) : ReadOnlyStream
{
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(15);
    private const int ReadSize = 4096;

    private readonly long _pingAfter = (long)(PingAfter.TotalSeconds * clock.TimestampFrequency);
    private readonly ArrayBufferWriter<byte> _events = new(ReadSize);
    private readonly QuietWait _wait = new(body, clock);
    private int _taken;
    private long _lastSentAt = clock.GetTimestamp();
    private bool _isAtEnd;

    /// <summary>
    /// Waits for the first event, ping or failure. A failure that comes first is given back and nothing else.
    /// </summary>
    public async ValueTask<StreamFailure?> StartAsync(CancellationToken cancellation)
    {
        while (_events.WrittenCount == 0)
        {
            if (await FillAsync(cancellation) is { } failure)
            {
                if (_events.WrittenCount == 0)
                {
                    return failure;
                }

                AppendError(failure);
            }
        }

        return null;
    }

    /// <summary>An empty buffer waits until there is something to read.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))] // Every event waits here: no garbage for it.
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_events.WrittenCount == _taken)
        {
            if (_isAtEnd)
            {
                return 0;
            }

            _events.ResetWrittenCount();
            _taken = 0;
            if (await FillAsync(cancellationToken) is { } failure)
            {
                AppendError(failure);
            }
        }

        var count = Math.Min(buffer.Length, _events.WrittenCount - _taken);
        _events.WrittenSpan.Slice(_taken, count).CopyTo(buffer.Span);
        _taken += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("only read asynchronously");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _wait.Dispose();
            body.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Takes the next bytes of the upstream, or adds a ping when none come. May add nothing.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<StreamFailure?> FillAsync(CancellationToken cancellation)
    {
        try
        {
            if (!await _wait.WaitAsync(_lastSentAt + _pingAfter, cancellation))
            {
                _events.Write("event: ping\ndata: {\"type\": \"ping\"}\n\n"u8);
                _lastSentAt = clock.GetTimestamp();
                return null;
            }

            return await TranslateAsync(cancellation);
        }
        catch (Exception e)
            when (
                (e is IOException or HttpRequestException || ContentCoding.IsBroken(e))
                && !cancellation.IsCancellationRequested)
        {
            return StreamFailure.Broken(e.Message);
        }
    }

    private async ValueTask<StreamFailure?> TranslateAsync(CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            var read = await body.ReadAsync(buffer, cancellation);
            _isAtEnd = read == 0;
            var before = _events.WrittenCount;
            var failure = _isAtEnd ? translator.End(_events) : translator.Translate(buffer.AsSpan(0, read), _events);
            if (_events.WrittenCount > before)
            {
                _lastSentAt = clock.GetTimestamp();
            }

            return failure;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void AppendError(StreamFailure failure)
    {
        _isAtEnd = true;
        onFailure(failure);
        _events.Write("event: error\ndata: "u8);
        _events.Write(failure.Error.ToJson(requestId).Span);
        _events.Write("\n\n"u8);
    }
}
