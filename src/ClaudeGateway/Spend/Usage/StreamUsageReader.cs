using System.Buffers;
using System.Text;
using System.Text.Json;

namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// Usage of an event stream: <c>message_start</c> opens the account, each <c>message_delta</c> brings it up to date. When
/// the stream ends without the final figure (cut, error, client gone), the text that was sent is billed instead.
/// Only <c>data:</c> lines are looked at, ended by LF, CR or both; content events are measured without parsing them.
/// </summary>
internal sealed class StreamUsageReader : UsageReader
{
    /// <summary>A longer line cannot be a usage event; it is measured and forgotten.</summary>
    private const int MaxLineBytes = 1024 * 1024;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
    private static readonly SearchValues<byte> StringStops = SearchValues.Create("\"\\"u8);

    private ReportedUsage? _usage;
    private byte[]? _line;
    private int _lineLength;
    private bool _lineIsTooLong;
    private long _sentCharacters;
    private bool _hasFinalOutput;

    public override void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOfAny(LineEnds);
            if (end < 0)
            {
                Keep(bytes);
                return;
            }

            if (_lineLength == 0 && !_lineIsTooLong)
            {
                ReadLine(bytes[..end]);
            }
            else
            {
                Keep(bytes[..end]);
                EndKeptLine();
            }

            bytes = bytes[(end + 1)..];
        }
    }

    protected override TokenUsage Complete()
    {
        EndKeptLine();
        if (_line is not null)
        {
            ArrayPool<byte>.Shared.Return(_line);
            _line = null;
        }

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

        var needed = _lineLength + part.Length;
        if (_line is null || _line.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 512));
            if (_line is not null)
            {
                _line.AsSpan(0, _lineLength).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_line);
            }

            _line = larger;
        }

        part.CopyTo(_line.AsSpan(_lineLength));
        _lineLength = needed;
    }

    private void EndKeptLine()
    {
        if (!_lineIsTooLong && _lineLength > 0)
        {
            ReadLine(_line.AsSpan(0, _lineLength));
        }

        _lineLength = 0;
        _lineIsTooLong = false;
    }

    private void ReadLine(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith("data:"u8))
        {
            return;
        }

        var data = line[5..];
        if (data.IndexOf("\"message_"u8) >= 0)
        {
            ReadEvent(data);
        }
        else
        {
            Measure(data);
        }
    }

    private void ReadEvent(ReadOnlySpan<byte> data)
    {
        try
        {
            var json = new Utf8JsonReader(data);
            switch (UsageEvent.Read(ref json))
            {
                case { Kind: UsageEventKind.Start, Usage: { } usage }:
                    _usage ??= usage;
                    break;
                case { Kind: UsageEventKind.Delta, Usage: { } usage }:
                    _hasFinalOutput |= usage.Output is not null;
                    (_usage ??= new ReportedUsage()).Update(usage);
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

    /// <summary>Adds the decoded length of the text, thinking or tool input that a content_block_delta carries.</summary>
    private void Measure(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"content_block_delta\""u8) < 0)
        {
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

    /// <summary>What follows the opening quote of the key's string value, to the end of the line; empty without the key.</summary>
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
