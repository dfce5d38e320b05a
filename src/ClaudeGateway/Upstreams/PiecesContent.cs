using System.Net;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>A request body made of pieces of memory that belong to the caller.</summary>
internal sealed class PiecesContent(ReadOnlyMemory<byte>[] pieces) : HttpContent
{
    private ReadOnlyMemory<byte>[] _pieces = pieces;

    /// <summary>Told when the last byte has been written; null where nobody wants to know.</summary>
    public UpstreamCall? Call { get; init; }

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        foreach (var piece in _pieces)
        {
            await stream.WriteAsync(piece, cancellationToken);
        }

        Call?.IsSent = true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        foreach (var piece in _pieces)
        {
            length += piece.Length;
        }

        return true;
    }

    /// <summary>Lets go of the memory: the client keeps the request for as long as its answer is read.</summary>
    protected override void Dispose(bool disposing)
    {
        _pieces = [];
        base.Dispose(disposing);
    }
}
