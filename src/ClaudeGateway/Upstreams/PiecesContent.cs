using System.Net;

namespace ClaudeGateway.Upstreams;

/// <summary>A request body made of pieces of memory that belong to the caller; it can be sent again.</summary>
internal sealed class PiecesContent(ReadOnlyMemory<byte>[] pieces) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        foreach (var piece in pieces)
        {
            await stream.WriteAsync(piece, cancellationToken);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        foreach (var piece in pieces)
        {
            length += piece.Length;
        }

        return true;
    }
}
