using System.Buffers;
using System.Text.Json;

namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// Usage of a whole JSON answer: the root's <c>usage</c> object is picked out by a scanner that keeps nothing else,
/// whatever the size of the answer. An answer without a readable one is billed by its length.
/// </summary>
internal sealed class WholeUsageReader : UsageReader
{
    private const int MaxUsageBytes = 64 * 1024;

    private static readonly SearchValues<byte> StringStops = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[],:"u8);

    private readonly ArrayBufferWriter<byte> _usage = new(256);
    private long _length;
    private int _depth;
    private bool _inString;
    private bool _isEscaped;
    private bool _isKeyNext;
    private bool _isUsageKey;
    private bool _isUsageValue;
    private bool _isCapturing;
    private bool _isComplete;
    private bool _isBroken;
    private int _keyLength;
    private int _skipOnce;

    private static ReadOnlySpan<byte> Key => "usage"u8;

    public override void Read(ReadOnlySpan<byte> bytes)
    {
        _length += bytes.Length;
        while (!bytes.IsEmpty && !_isBroken)
        {
            var wasCapturing = _isCapturing;
            var used = _inString ? ReadString(bytes) : ReadStructure(bytes);
            if (wasCapturing || _isCapturing)
            {
                Capture(bytes[..used]);
            }

            bytes = bytes[used..];
        }
    }

    protected override TokenUsage Complete() =>
        (_isComplete && !_isBroken ? Parse() : null) is { } usage
            ? usage.ToTokenUsage(usage.Output ?? 0)
            : new TokenUsage { Output = TokensOf(_length) };

    private ReportedUsage? Parse()
    {
        var json = new Utf8JsonReader(_usage.WrittenSpan);
        try
        {
            var usage = json.Read() && json.TokenType == JsonTokenType.StartObject
                ? ReportedUsage.Read(ref json)
                : null;
            IsClamped = usage?.IsClamped ?? false;
            HasSpoken = usage is not null;
            return usage;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Consumes bytes of a string, its closing quote included; returns how many.</summary>
    private int ReadString(ReadOnlySpan<byte> bytes)
    {
        if (_isEscaped)
        {
            _isEscaped = false;
            _isUsageKey = false;
            return 1;
        }

        var stop = bytes.IndexOfAny(StringStops);
        var plain = stop < 0 ? bytes : bytes[..stop];
        if (_isUsageKey)
        {
            _isUsageKey = _keyLength + plain.Length <= Key.Length
                && Key.Slice(_keyLength, plain.Length).SequenceEqual(plain);
            _keyLength += plain.Length;
        }

        if (stop < 0)
        {
            return bytes.Length;
        }

        _isEscaped = bytes[stop] == '\\';
        _inString = _isEscaped;
        _isUsageKey &= _isEscaped || _keyLength == Key.Length;
        return stop + 1;
    }

    /// <summary>Consumes bytes outside strings up to and including the next structural one; returns how many.</summary>
    private int ReadStructure(ReadOnlySpan<byte> bytes)
    {
        var at = bytes.IndexOfAny(Structure);
        if (at < 0)
        {
            CheckOutside(bytes);
            return bytes.Length;
        }

        CheckOutside(bytes[..at]);
        switch (bytes[at])
        {
            case (byte)'"':
                _inString = true;
                _isUsageKey = _depth == 1 && _isKeyNext;
                _keyLength = 0;
                _isUsageValue = false;
                break;
            case (byte)':' when _depth == 1:
                _isKeyNext = false;
                _isUsageValue = _isUsageKey;
                _isUsageKey = false;
                break;
            case (byte)',' when _depth == 1:
                _isKeyNext = true;
                _isUsageValue = false;
                break;
            case (byte)'{' or (byte)'[':
                Open(bytes[at], bytes[..at]);
                break;
            case (byte)'}' or (byte)']':
                Close();
                break;
            default:
                break;
        }

        return at + 1;
    }

    /// <summary>Text around the root object means that this is no JSON object.</summary>
    private void CheckOutside(ReadOnlySpan<byte> bytes) =>
        _isBroken |= _depth == 0 && bytes.ContainsAnyExcept(" \t\r\n"u8);

    private void Open(byte bracket, ReadOnlySpan<byte> before)
    {
        if (_depth == 0)
        {
            _isBroken |= bracket != '{' || _isComplete;
            _isKeyNext = true;
        }
        else if (_isUsageValue && bracket == '{')
        {
            // Of repeated keys the last counts, as in every JSON parser.
            _usage.ResetWrittenCount();
            _isCapturing = true;
            _skipOnce = before.Length;
        }

        _isUsageValue = false;
        _depth++;
    }

    private void Close()
    {
        _depth--;
        _isBroken |= _depth < 0;
        _isComplete |= _depth == 0;
        _isCapturing &= _depth > 1;
    }

    private void Capture(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[_skipOnce..];
        _skipOnce = 0;
        _isBroken |= _usage.WrittenCount + bytes.Length > MaxUsageBytes;
        if (!_isBroken)
        {
            _usage.Write(bytes);
        }
    }
}
