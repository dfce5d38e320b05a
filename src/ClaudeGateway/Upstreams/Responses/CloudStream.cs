using System.Buffers;
using System.Runtime.CompilerServices;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses.Quiet;

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
    BodyWatch watch,
    Action<StreamFailure> onFailure) : ReadOnlyStream
{
    private const int ReadSize = 4096;

    private readonly ArrayBufferWriter<byte> _events = new(ReadSize);
    private readonly QuietReader _reader = new(body, watch.Clock, ReadSize);
    private int _taken;
    private long _lastSentAt = watch.Clock.GetTimestamp();
    private long _quietSince;
    private bool _isAtEnd;
    private bool _isJudged;

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

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reader.Dispose();
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
            if (!_reader.IsWaiting)
            {
                _quietSince = watch.Clock.GetTimestamp();
            }

            var pingAt = _lastSentAt + watch.PingTicks;
            var idleAt = _quietSince + watch.IdleTicks;
            if (await _reader.FillAsync(Math.Min(pingAt, idleAt), cancellation))
            {
                return Translate();
            }

            _lastSentAt = watch.Clock.GetTimestamp();
            if (_lastSentAt >= idleAt)
            {
                return StreamFailure.Silent(watch);
            }

            _events.Write(StreamEvents.Ping.Span);
            return null;
        }
        catch (Exception e)
            when (
                (e is IOException or HttpRequestException || ContentCoding.IsBroken(e))
                && !cancellation.IsCancellationRequested)
        {
            return StreamFailure.Broken(e.Message);
        }
    }

    private StreamFailure? Translate()
    {
        try
        {
            var bytes = _reader.Bytes.Span;
            _isAtEnd = bytes.IsEmpty;
            if (!_isJudged && OtherText.IsBeginning(bytes) is { } isOther)
            {
                _isJudged = true;
                if (isOther)
                {
                    return StreamFailure.Broken(OtherText.Describe(bytes));
                }
            }

            var before = _events.WrittenCount;
            var failure = _isAtEnd ? translator.End(_events) : translator.Translate(bytes, _events);
            if (_events.WrittenCount > before)
            {
                _lastSentAt = watch.Clock.GetTimestamp();
            }

            return failure;
        }
        finally
        {
            _reader.Release();
        }
    }

    private void AppendError(StreamFailure failure)
    {
        _isAtEnd = true;
        onFailure(failure);
        StreamEvents.WriteError(_events, failure, requestId);
    }
}
