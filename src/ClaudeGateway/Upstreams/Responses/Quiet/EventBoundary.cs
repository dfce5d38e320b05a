namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// Whether a stream of server-sent events stands between two events (WHATWG HTML, 9.2.6: an empty line ends one; lines
/// end in LF, CR or both), judged by the last bytes alone. The beginning of a stream is such a place.
/// </summary>
internal struct EventBoundary
{
    /// <summary>
    /// The last three bytes, the last one lowest; only line ends have a say, so none is needed at first.
    /// </summary>
    private uint _tail;
    private bool _hasBegun;

    public readonly bool IsHere =>
        !_hasBegun || (Byte(0), Byte(1)) switch
        {
            ((byte)'\n', (byte)'\r') => Byte(2) is (byte)'\r' or (byte)'\n',
            ((byte)'\n', (byte)'\n') => true,
            // The line feed that may belong to it is an empty line by itself after what is put between: harmless.
            ((byte)'\r', (byte)'\r' or (byte)'\n') => true,
            _ => false,
        };

    public readonly bool IsAtLineStart => !_hasBegun || Byte(0) is (byte)'\n' or (byte)'\r';

    public void Pass(ReadOnlySpan<byte> bytes)
    {
        _hasBegun |= !bytes.IsEmpty;
        foreach (var b in bytes.Length > 3 ? bytes[^3..] : bytes)
        {
            _tail = (_tail << 8) | b;
        }
    }

    private readonly byte Byte(int fromEnd) => (byte)(_tail >> (8 * fromEnd));
}
