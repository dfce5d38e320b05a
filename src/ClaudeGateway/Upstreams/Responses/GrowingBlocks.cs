using System.Buffers;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Bytes whose number nobody knows before the last has come. Each is stored once, where it came: no block is copied
/// into a larger one, and none is large enough for the heap of large objects. Not thread-safe.
/// </summary>
internal sealed class GrowingBlocks
{
    private const int FirstBlockBytes = 4 * 1024;
    private const int LastBlockBytes = 64 * 1024;

    private readonly Block _first = new(FirstBlockBytes);
    private Block _last;
    private int _used;

    public GrowingBlocks() => _last = _first;

    /// <summary>How many bytes have been written.</summary>
    public long Length => _last.RunningIndex + _used;

    /// <summary>Everything that has been written; not to be written to any more.</summary>
    public ReadOnlySequence<byte> Written => new(_first, 0, _last, _used);

    /// <summary>Where the next bytes go; never empty.</summary>
    public Memory<byte> Free
    {
        get
        {
            if (_used == _last.Bytes.Length)
            {
                _last = _last.Append(Math.Min(_last.Bytes.Length * 2, LastBlockBytes));
                _used = 0;
            }

            return _last.Bytes.AsMemory(_used);
        }
    }

    /// <summary>So many bytes have been written to <see cref="Free"/>.</summary>
    public void Advance(int count) => _used += count;

    private sealed class Block : ReadOnlySequenceSegment<byte>
    {
        public Block(int length)
        {
            Bytes = new byte[length];
            Memory = Bytes;
        }

        public byte[] Bytes { get; }

        public Block Append(int length)
        {
            var next = new Block(length) { RunningIndex = RunningIndex + Bytes.Length };
            Next = next;
            return next;
        }
    }
}
