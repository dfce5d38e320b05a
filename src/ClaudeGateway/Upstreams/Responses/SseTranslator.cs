using System.Buffers;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Reads the server-sent events (WHATWG HTML, 9.2.6) of the clouds that speak the Messages API. A byte order mark and
/// any line ending are understood; comments and other fields are dropped; an event without a name takes it from its
/// data.
/// </summary>
internal sealed class SseTranslator(IReadOnlyList<string> betas) : EventTranslator(betas)
{
    private const int MaxEventLength = 32 * 1024 * 1024;

    private readonly ArrayBufferWriter<byte> _partialLine = new();
    private readonly ArrayBufferWriter<byte> _data = new();
    private byte[] _name = new byte[64];
    private int _nameLength;
    private bool _hasData;
    private bool _skipLineFeed;
    private bool _isFirstLine = true;

    public override StreamFailure? Translate(ReadOnlySpan<byte> bytes, IBufferWriter<byte> events)
    {
        while (!bytes.IsEmpty)
        {
            if (_skipLineFeed)
            {
                _skipLineFeed = false;
                if (bytes[0] == (byte)'\n')
                {
                    bytes = bytes[1..];
                    continue;
                }
            }

            var end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0)
            {
                _partialLine.Write(bytes);
                return _partialLine.WrittenCount + _data.WrittenCount > MaxEventLength
                    ? StreamFailure.Broken("an event is too long")
                    : null;
            }

            var failure = TakeLine(bytes[..end], events);
            if (failure is not null)
            {
                return failure;
            }

            // The line feed of a CR LF may come with the next bytes.
            _skipLineFeed = bytes[end] == (byte)'\r';
            bytes = bytes[(end + 1)..];
        }

        return null;
    }

    /// <summary>Half an event cannot pass for a whole one: its data would not be JSON.</summary>
    protected override StreamFailure? Flush(IBufferWriter<byte> events) =>
        (_partialLine.WrittenCount > 0 ? TakeLine(default, events) : null) ?? Dispatch(events);

    private StreamFailure? TakeLine(ReadOnlySpan<byte> line, IBufferWriter<byte> events)
    {
        if (_partialLine.WrittenCount > 0)
        {
            _partialLine.Write(line);
            line = _partialLine.WrittenSpan;
        }

        if (_isFirstLine)
        {
            _isFirstLine = false;
            line = line.StartsWith("\uFEFF"u8) ? line[3..] : line;
        }

        var failure = line.IsEmpty ? Dispatch(events) : ReadField(line);
        _partialLine.ResetWrittenCount();
        return failure;
    }

    private StreamFailure? ReadField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        var field = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        value = !value.IsEmpty && value[0] == (byte)' ' ? value[1..] : value;
        if (field.SequenceEqual("data"u8))
        {
            if (_hasData)
            {
                _data.Write("\n"u8);
            }

            _data.Write(value);
            _hasData = true;
            return _data.WrittenCount > MaxEventLength ? StreamFailure.Broken("an event is too long") : null;
        }

        if (field.SequenceEqual("event"u8))
        {
            if (value.Length > _name.Length)
            {
                _name = new byte[value.Length];
            }

            value.CopyTo(_name);
            _nameLength = value.Length;
        }

        return null;
    }

    private StreamFailure? Dispatch(IBufferWriter<byte> events)
    {
        var failure = _hasData ? Write(_name.AsSpan(0, _nameLength), _data.WrittenSpan, events) : null;
        _data.ResetWrittenCount();
        _hasData = false;
        _nameLength = 0;
        return failure;
    }
}
