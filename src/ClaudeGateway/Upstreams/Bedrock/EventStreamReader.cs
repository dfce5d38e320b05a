using System.Buffers.Binary;
using System.IO.Hashing;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>What <see cref="EventStreamReader.TryRead"/> found.</summary>
internal enum EventStreamStatus
{
    Message,

    /// <summary>The bytes so far end inside a message (or exactly after one).</summary>
    NeedsMore,

    /// <summary>A length or checksum is wrong; nothing after it can be trusted.</summary>
    Corrupt,
}

/// <summary>
/// Cuts application/vnd.amazon.eventstream bytes, however chunked, into messages and checks both CRC-32 of each
/// (AWS "Amazon Event Stream" encoding: total length, header length, prelude CRC, headers, payload, message CRC).
/// Not thread-safe; one per response.
/// </summary>
internal sealed class EventStreamReader
{
    private const int PreludeLength = 12;
    private const int ChecksumLength = 4;

    // AWS allows 24 MiB of payload and 128 KiB of headers; more is not a message but noise that would be buffered.
    private const uint MaxMessageLength = 25 * 1024 * 1024;

    private byte[] _buffer = new byte[8 * 1024];
    private int _start;
    private int _end;

    /// <summary>Bytes received of a message that is not complete yet.</summary>
    public int Pending => _end - _start;

    /// <summary>Takes the next bytes of the response; spans of earlier messages are invalid afterwards.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_buffer.Length - _end < bytes.Length)
        {
            MakeRoom(bytes.Length);
        }

        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>The next complete message. Its spans are valid until the next <see cref="Append"/>.</summary>
    public EventStreamStatus TryRead(out EventStreamMessage message)
    {
        message = default;
        var bytes = _buffer.AsSpan(_start, _end - _start);
        if (bytes.Length < PreludeLength)
        {
            return EventStreamStatus.NeedsMore;
        }

        var total = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (total is > MaxMessageLength or < PreludeLength + ChecksumLength
            || headers > total - PreludeLength - ChecksumLength
            || Crc32.HashToUInt32(bytes[..8]) != BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]))
        {
            return EventStreamStatus.Corrupt;
        }

        if (bytes.Length < total)
        {
            return EventStreamStatus.NeedsMore;
        }

        var frame = bytes[..(int)total];
        if (Crc32.HashToUInt32(frame[..^ChecksumLength]) != BinaryPrimitives.ReadUInt32BigEndian(
            frame[^ChecksumLength..]))
        {
            return EventStreamStatus.Corrupt;
        }

        message = new EventStreamMessage(
            frame.Slice(PreludeLength, (int)headers), frame[(PreludeLength + (int)headers)..^ChecksumLength]);
        _start += (int)total;
        return EventStreamStatus.Message;
    }

    private void MakeRoom(int needed)
    {
        var pending = _buffer.AsSpan(_start, _end - _start);
        if (pending.Length + needed <= _buffer.Length)
        {
            pending.CopyTo(_buffer);
        }
        else
        {
            var larger = new byte[Math.Max(_buffer.Length * 2, pending.Length + needed)];
            pending.CopyTo(larger);
            _buffer = larger;
        }

        _end -= _start;
        _start = 0;
    }
}

/// <summary>One message: its header block and payload, both checked against the message's checksum.</summary>
internal readonly ref struct EventStreamMessage(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
{
    private const byte StringType = 7;

    // By type number: true, false, byte, short, int, long, (bytes), (string), timestamp, uuid; -1 = 16-bit length
    // first.
    private static ReadOnlySpan<sbyte> ValueLengths => [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];

    private readonly ReadOnlySpan<byte> _headers = headers;

    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>The text of a string header; empty when there is none of that name or the block is malformed.</summary>
    /// <param name="name">With its colon, e.g. <c>:event-type</c>.</param>
    public ReadOnlySpan<byte> Header(ReadOnlySpan<byte> name)
    {
        var rest = _headers;
        while (rest.Length > 0)
        {
            var nameLength = rest[0];
            if (rest.Length < nameLength + 2)
            {
                return default;
            }

            var found = rest.Slice(1, nameLength);
            var type = rest[nameLength + 1];
            rest = rest[(nameLength + 2)..];
            if (type >= ValueLengths.Length)
            {
                return default;
            }

            int length = ValueLengths[type];
            if (length < 0)
            {
                if (rest.Length < 2)
                {
                    return default;
                }

                length = BinaryPrimitives.ReadUInt16BigEndian(rest);
                rest = rest[2..];
            }

            if (rest.Length < length)
            {
                return default;
            }

            if (type == StringType && found.SequenceEqual(name))
            {
                return rest[..length];
            }

            rest = rest[length..];
        }

        return default;
    }
}
