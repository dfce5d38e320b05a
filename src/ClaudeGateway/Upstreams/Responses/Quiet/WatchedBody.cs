using System.Buffers;
using System.Runtime.CompilerServices;
using ClaudeGateway.Credentials;
using ClaudeGateway.Process;

namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// A body that is passed on as it came, watched for silence. Silence that lasts too long is an
/// <see cref="IOException"/>; in a stream of events that has been started it is one <c>error</c> event and the end.
/// Between two events of a silent stream it puts pings.
/// </summary>
/// <param name="onFailure">Told how it failed after it had been started, if it did.</param>
internal sealed class WatchedBody(Stream body, BodyWatch watch, Action<StreamFailure> onFailure) : ReadOnlyStream
{
    private const int ReadBytes = 16 * 1024;

    /// <summary>For how long the rest of a text is waited for that is only told to the operator.</summary>
    private static readonly TimeSpan TellPatience = TimeSpan.FromSeconds(1);

    private readonly QuietReader _reader = new(body, watch.Clock, ReadBytes);
    private EventBoundary _boundary;

    /// <summary>
    /// What is read next: the reader's bytes, those looked at before, or an event of the gateway's own.
    /// </summary>
    private ReadOnlyMemory<byte> _next;
    private long _lastSentAt = watch.Clock.GetTimestamp();
    private long _quietSince;
    private bool _isAtEnd;
    private bool _isJudged;

    /// <summary>The request's id, where the body is a stream of events; null where it is not.</summary>
    public string? EventsFor { get; init; }

    /// <summary>Whether a page or JSON is no such body, even where it comes as a stream of events.</summary>
    public bool RefusesOtherText { get; init; }

    /// <summary>Whether a whole message is passed on all the same, as the reference does (spec/spend.md).</summary>
    public bool TakesMessages { get; init; }

    /// <summary>Waits until there is something to read: bytes, the end, or a ping.</summary>
    /// <exception cref="IOException">The body broke off or stayed silent.</exception>
    /// <exception cref="UpstreamUnavailableException">It is no such body.</exception>
    public async ValueTask StartAsync(CancellationToken cancellation)
    {
        if (_next.IsEmpty && !_isAtEnd
            && EndWait(await _reader.FillAsync(BeginWait(), cancellation)) is { } failure)
        {
            throw new IOException(failure.Detail);
        }

        if (!RefusesOtherText || _reader.IsWaiting || IsOtherText(_next.Span) is false)
        {
            // Behind a ping nothing has come yet.
            _isJudged = !_reader.IsWaiting;
            return;
        }

        _isJudged = true;
        var begun = await PeekAsync(OtherText.BytesToTell, TellPatience, cancellation);
        if (IsOtherText(begun.Span) is true)
        {
            throw new UpstreamUnavailableException(OtherText.Describe(begun.Span))
            {
                Fault = UpstreamFault.UnusableAnswer,
            };
        }
    }

    /// <summary>
    /// The first bytes, which stay to be read: so many, fewer where the body ends or is silent before.
    /// </summary>
    /// <param name="patience">For how long they are waited for.</param>
    public async ValueTask<ReadOnlyMemory<byte>> PeekAsync(
        int count, TimeSpan patience, CancellationToken cancellation)
    {
        var begun = new ArrayBufferWriter<byte>();
        begun.Write(_next.Span);
        _reader.Release();
        var until = watch.Clock.GetTimestamp() + (long)(patience.TotalSeconds * watch.Clock.TimestampFrequency);
        while (begun.WrittenCount < count && !_isAtEnd && await _reader.FillAsync(until, cancellation))
        {
            Pass();
            begun.Write(_next.Span);
            _reader.Release();
        }

        _next = begun.WrittenMemory;
        return _next;
    }

    /// <summary>An empty buffer waits until there is something to read.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _next.IsEmpty && !_isAtEnd ? WaitAsync(buffer, cancellationToken) : ValueTask.FromResult(Take(buffer.Span));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reader.Dispose();
            body.Dispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))] // Every event waits here: no garbage for it.
    private async ValueTask<int> WaitAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var until = BeginWait();
        var hasCome = await _reader.ReadyAsync(until, cancellation) && await _reader.ReadAsync(until, cancellation);
        if (EndWait(hasCome) is { } failure)
        {
            Fail(failure);
        }
        else if (RefusesOtherText && !_isJudged && !_reader.IsWaiting
            && IsOtherText(_next.Span) is { } isOther)
        {
            // It comes after a ping, so that no other upstream can make it good.
            _isJudged = true;
            if (isOther)
            {
                Fail(StreamFailure.Broken(OtherText.Describe(_next.Span)));
            }
        }

        return Take(buffer.Span);
    }

    /// <summary>Null while nothing but blanks has come.</summary>
    private bool? IsOtherText(ReadOnlySpan<byte> beginning) =>
        OtherText.IsBeginning(beginning) is { } isOther
        ? isOther && !(TakesMessages && OtherText.IsMessage(beginning))
        : null;

    private int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _next.Length);
        _next.Span[..count].CopyTo(buffer);
        _next = _next[count..];
        if (_next.IsEmpty)
        {
            _reader.Release();
        }

        return count;
    }

    /// <summary>Until when the next bytes of the upstream are waited for.</summary>
    private long BeginWait()
    {
        if (!_reader.IsWaiting)
        {
            _quietSince = watch.Clock.GetTimestamp();
        }

        var idleAt = _quietSince + watch.IdleTicks;
        return EventsFor is not null && _boundary.IsHere ? Math.Min(idleAt, _lastSentAt + watch.PingTicks) : idleAt;
    }

    /// <summary>The bytes, or a ping when none came, are read next.</summary>
    private StreamFailure? EndWait(bool hasCome)
    {
        if (hasCome)
        {
            Pass();
            return null;
        }

        _lastSentAt = watch.Clock.GetTimestamp();
        if (_lastSentAt >= _quietSince + watch.IdleTicks)
        {
            return StreamFailure.Silent(watch);
        }

        _next = StreamEvents.Ping;
        return null;
    }

    /// <summary>What the reader has brought is read next.</summary>
    private void Pass()
    {
        _next = _reader.Bytes;
        if (_next.IsEmpty)
        {
            _isAtEnd = true;
            _reader.Release();
        }
        else if (EventsFor is not null)
        {
            _boundary.Pass(_next.Span);
            _lastSentAt = watch.Clock.GetTimestamp();
        }
    }

    private void Fail(StreamFailure failure)
    {
        _isAtEnd = true;
        onFailure(failure);
        if (EventsFor is not { } requestId)
        {
            throw new IOException(failure.Detail);
        }

        var events = new ArrayBufferWriter<byte>();
        if (!_boundary.IsAtLineStart)
        {
            // Half an event has gone: it becomes part of this one, whose name counts because it is the last.
            events.Write("\n"u8);
        }

        StreamEvents.WriteError(events, failure, requestId);
        _next = events.WrittenMemory;
    }
}
