using System.Buffers;
using System.Text;
using System.Text.Json;

namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// Usage of an event stream: <c>message_start</c> opens the account, each <c>message_delta</c> brings it up to date:
/// where the delta's parts add up to what a start without cache figures counted as input, they replace it. When the
/// stream ends without the final figure (cut, error, client gone), the text that was sent is billed instead. Only
/// <c>data:</c> lines are looked at, ended by LF, CR or both; those of one event are one text, a line feed between them
/// (WHATWG HTML, 9.2.6). Content events are measured without parsing them.
/// </summary>
internal sealed class StreamUsageReader : UsageReader
{
    /// <summary>A longer line or event cannot be a usage event; it is measured and forgotten.</summary>
    private const int MaxLineBytes = 1024 * 1024;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
    private static readonly SearchValues<byte> StringStops = SearchValues.Create("\"\\"u8);

    private ReportedUsage? _usage;

    /// <summary>
    /// The input of a start without cache figures: a translating upstream may have counted the whole prompt, and tell
    /// its parts later. Negative without one.
    /// </summary>
    private long _wholePrompt = -1;

    /// <summary>The last that the deltas said of each figure.</summary>
    private ReportedUsage? _deltas;
    private byte[]? _line;
    private int _lineLength;
    private bool _lineIsTooLong;

    /// <summary>What an event of several lines has brought so far.</summary>
    private byte[]? _event;
    private int _eventLength;
    private bool _isAfterReturn;
    private long _sentCharacters;
    private bool _hasFinalOutput;

    public override void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_isAfterReturn && bytes[0] == '\n')
            {
                // The second half of one line end.
                bytes = bytes[1..];
                _isAfterReturn = false;
                continue;
            }

            var end = bytes.IndexOfAny(LineEnds);
            _isAfterReturn = end >= 0 && bytes[end] == '\r';
            if (end < 0)
            {
                Keep(bytes);
                return;
            }

            if (_lineLength == 0 && !_lineIsTooLong)
            {
                ReadLine(bytes[..end], IsEmptyLine(bytes[end..]));
            }
            else
            {
                Keep(bytes[..end]);
                EndKeptLine(IsEmptyLine(bytes[end..]));
            }

            bytes = bytes[(end + 1)..];
        }
    }

    protected override TokenUsage Complete()
    {
        EndKeptLine(endsEvent: true);
        EndEvent();
        Return(ref _line);
        Return(ref _event);
        HasSpoken |= _usage is not null;
        var usage = _usage ?? new ReportedUsage();
        IsClamped = usage.IsClamped;
        var output = _hasFinalOutput ? usage.Output ?? 0 : Math.Max(usage.Output ?? 0, TokensOf(_sentCharacters));
        return usage.ToTokenUsage(output);
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_lineIsTooLong || _lineLength + part.Length > MaxLineBytes)
        {
            _sentCharacters += part.Length + (_lineIsTooLong ? 0 : _lineLength);
            _lineIsTooLong = true;
            _lineLength = 0;
            return;
        }

        Append(ref _line, ref _lineLength, part);
    }

    private static void Append(ref byte[]? buffer, ref int length, ReadOnlySpan<byte> part)
    {
        var needed = length + part.Length;
        if (buffer is null || buffer.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 512));
            buffer.AsSpan(0, length).CopyTo(larger);
            Return(ref buffer);
            buffer = larger;
        }

        part.CopyTo(buffer.AsSpan(length));
        length = needed;
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }

    /// <summary>
    /// Whether nothing stands between the line end that <paramref name="bytes"/> begin with and the next one; false too
    /// when that cannot be seen yet.
    /// </summary>
    private static bool IsEmptyLine(ReadOnlySpan<byte> bytes)
    {
        var next = bytes is [(byte)'\r', (byte)'\n', ..] ? 2 : 1;
        return next < bytes.Length && bytes[next] is (byte)'\r' or (byte)'\n';
    }

    private void EndKeptLine(bool endsEvent)
    {
        if (!_lineIsTooLong && _lineLength > 0)
        {
            ReadLine(_line.AsSpan(0, _lineLength), endsEvent);
        }

        _lineLength = 0;
        _lineIsTooLong = false;
    }

    private void ReadLine(ReadOnlySpan<byte> line, bool endsEvent)
    {
        if (line.IsEmpty)
        {
            EndEvent();
            return;
        }

        if (!line.StartsWith("data:"u8))
        {
            return;
        }

        var data = line[5..];
        if (_eventLength > 0 && IsWhole(_event.AsSpan(0, _eventLength)))
        {
            // An upstream that leaves out the empty line between events: no more can follow what is complete.
            EndEvent();
        }

        if (_eventLength == 0 && endsEvent)
        {
            // Nearly always: one line, and nothing to keep.
            ReadData(data);
        }
        else if (_eventLength + data.Length >= MaxLineBytes)
        {
            _sentCharacters += _eventLength + data.Length;
            _eventLength = 0;
        }
        else
        {
            if (_eventLength > 0)
            {
                Append(ref _event, ref _eventLength, "\n"u8);
            }

            Append(ref _event, ref _eventLength, data);
        }
    }

    private void EndEvent()
    {
        if (_eventLength > 0)
        {
            ReadData(_event.AsSpan(0, _eventLength));
            _eventLength = 0;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> data)
    {
        if (!data.TrimEnd(" \n"u8).EndsWith("}"u8))
        {
            return false;
        }

        var json = new Utf8JsonReader(data, isFinalBlock: false, default);
        try
        {
            return json.Read() && json.TrySkip();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void ReadData(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"message_"u8) >= 0 && !IsPlainStop(data))
        {
            ReadEvent(data);
        }
        else
        {
            Measure(data);
        }
    }

    /// <summary>The last event of nearly every stream, which has nothing to be read.</summary>
    private static bool IsPlainStop(ReadOnlySpan<byte> data) =>
        data.TrimStart((byte)' ').SequenceEqual("{\"type\":\"message_stop\"}"u8);

    private void ReadEvent(ReadOnlySpan<byte> data)
    {
        try
        {
            var json = new Utf8JsonReader(data);
            switch (UsageEvent.Read(ref json))
            {
                case { Kind: UsageEventKind.Start, Usage: { } usage }:
                    Open(usage);
                    break;
                case { Kind: UsageEventKind.Delta, Usage: { } usage }:
                    _hasFinalOutput |= usage.Output is not null;
                    Update(usage);
                    break;
                case { Kind: UsageEventKind.Other }:
                    Measure(data);
                    break;
                default:
                    break;
            }
        }
        catch (JsonException)
        {
            // A broken event bills nothing by itself; the text already seen still does.
        }
    }

    private void Open(ReportedUsage usage)
    {
        if (_usage is null)
        {
            _usage = usage;
            _wholePrompt = usage.HasCacheFigures || usage.IsClamped ? -1 : usage.Input ?? -1;
        }
    }

    private void Update(ReportedUsage usage)
    {
        (_usage ??= new ReportedUsage()).Update(usage);
        if (_wholePrompt < 0)
        {
            return;
        }

        if (_deltas is null)
        {
            _deltas = usage;
        }
        else
        {
            _deltas.Replace(usage);
        }

        if (_deltas.DividesPrompt(_wholePrompt))
        {
            _usage.DividePrompt(_deltas);
        }
    }

    /// <summary>
    /// Adds the decoded length of the text, thinking or tool input that a content_block_delta carries.
    /// </summary>
    private void Measure(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"content_block_delta\""u8) < 0)
        {
            HasSpoken |= data.IndexOf("\"error\""u8) >= 0;
            return;
        }

        var text = Value(data, "\"text\""u8);
        text = text.IsEmpty ? Value(data, "\"partial_json\""u8) : text;
        text = text.IsEmpty ? Value(data, "\"thinking\""u8) : text;
        while (!text.IsEmpty)
        {
            var stop = text.IndexOfAny(StringStops);
            var plain = stop < 0 ? text : text[..stop];
            _sentCharacters += Encoding.UTF8.GetCharCount(plain);
            if (stop < 0 || text[stop] == '"' || stop + 1 >= text.Length)
            {
                return;
            }

            _sentCharacters++;
            var escape = text[stop + 1] == 'u' ? 6 : 2;
            text = text[Math.Min(stop + escape, text.Length)..];
        }
    }

    /// <summary>
    /// What follows the opening quote of the key's string value, to the end of the line; empty without the key.
    /// </summary>
    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> data, ReadOnlySpan<byte> key)
    {
        // Inside a string the key's closing quote would be escaped, so this finds keys and equal values only.
        for (var at = data.IndexOf(key); at >= 0; at = data.IndexOf(key))
        {
            data = data[(at + key.Length)..].TrimStart((byte)' ');
            if (data.Length > 0 && data[0] == ':')
            {
                data = data[1..].TrimStart((byte)' ');
                return data.Length > 0 && data[0] == '"' ? data[1..] : default;
            }
        }

        return default;
    }
}
