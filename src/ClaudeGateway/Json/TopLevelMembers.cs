using System.Text.Json;

namespace ClaudeGateway.Json;

/// <summary>Reads over the value of a member whose name the reader stands on, and gives the value's kind.</summary>
/// <param name="start">The value's first byte.</param>
/// <exception cref="JsonException">The text is not JSON.</exception>
internal delegate JsonTokenType ValueWalk(ref Utf8JsonReader json, out int start);

/// <summary>
/// Walks the members of a JSON object (RFC 8259) by byte position, without building anything. The whole text has been
/// checked once <see cref="MoveNext"/> has returned false. Nesting is bounded only by the text's length.
/// </summary>
internal ref struct TopLevelMembers
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    private Utf8JsonReader _reader;

    /// <exception cref="JsonException">The text is not JSON.</exception>
    public TopLevelMembers(ReadOnlySpan<byte> json)
    {
        _reader = new Utf8JsonReader(json, Options);
        _reader.Read();
        IsObject = _reader.TokenType == JsonTokenType.StartObject;
        if (IsObject)
        {
            FirstMember = (int)_reader.BytesConsumed;
        }
        else
        {
            _reader.Skip();
            _reader.Read();
        }
    }

    /// <summary>False for any other JSON value; there are no members to walk then.</summary>
    public bool IsObject { get; }

    /// <summary>Position after the opening brace.</summary>
    public int FirstMember { get; }

    /// <summary>Position of the opening quote of the current member's name.</summary>
    public int Start { get; private set; }

    /// <summary>Position of the first byte of the current member's value; set by <see cref="ReadValue()"/>.</summary>
    public int ValueStart { get; private set; }

    /// <summary>Position after the last byte of the current member's value; set by <see cref="ReadValue()"/>.</summary>
    public int ValueEnd { get; private set; }

    /// <summary>Moves to the next member's name; <see cref="ReadValue()"/> must follow.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public bool MoveNext()
    {
        if (!IsObject)
        {
            return false;
        }

        _reader.Read();
        Start = (int)_reader.TokenStartIndex;
        if (_reader.TokenType == JsonTokenType.PropertyName)
        {
            return true;
        }

        // The closing brace: reading on refuses whatever stands behind it.
        _reader.Read();
        return false;
    }

    /// <summary>Whether the current name, escapes decoded, is <paramref name="utf8"/>.</summary>
    public readonly bool NameIs(ReadOnlySpan<byte> utf8) => _reader.TextIs(utf8);

    /// <summary>The current name, escapes decoded; as it stands there when that is not Unicode.</summary>
    public readonly string ReadName() => ReadString();

    /// <summary>Reads over the current member's value and gives its kind.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public JsonTokenType ReadValue()
    {
        _reader.Read();
        var kind = _reader.TokenType;
        ValueStart = (int)_reader.TokenStartIndex;
        _reader.Skip();
        ValueEnd = (int)_reader.BytesConsumed;
        return kind;
    }

    /// <summary>As <see cref="ReadValue()"/>; <paramref name="walk"/>, if any, is who reads over the value.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public JsonTokenType ReadValue(ValueWalk? walk)
    {
        if (walk is null)
        {
            return ReadValue();
        }

        var kind = walk(ref _reader, out var start);
        ValueStart = start;
        ValueEnd = (int)_reader.BytesConsumed;
        return kind;
    }

    /// <summary>
    /// The current value, which is a string, with escapes decoded; as it stands there when that is not Unicode.
    /// </summary>
    public readonly string ReadString() => _reader.ReadText();
}
