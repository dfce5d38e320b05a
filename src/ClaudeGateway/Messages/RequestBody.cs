using System.Buffers;
using ClaudeGateway.Http;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// A request body in pooled memory, kept until an upstream has accepted it so that it can be sent to the next one. The
/// server has already refused what is over <c>limits.max_request_bytes</c>.
/// </summary>
internal sealed class RequestBody : IDisposable
{
    /// <summary>
    /// What a declared length may reserve before a byte has come; beyond it memory follows the bytes.
    /// </summary>
    private const int MaxTrustedLength = 1024 * 1024;
    private const int InitialChunkedLength = 16 * 1024;

    private byte[]? _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    public ReadOnlyMemory<byte> Bytes => new(_buffer, 0, _length);

    /// <exception cref="BadHttpRequestException">The body ends early, is too slow or over the limit.</exception>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    /// <exception cref="IOException">As well.</exception>
    public static async ValueTask<RequestBody> ReadAsync(GatewayRequest request)
    {
        var http = request.Http.Request;
        // One byte more than declared: the read that finds the end then needs no larger buffer.
        var capacity = http.ContentLength is { } declared
            ? (int)Math.Min(declared, MaxTrustedLength) + 1
            : InitialChunkedLength;
        var body = new RequestBody(capacity);
        try
        {
            int read;
            while ((read = await http.Body.ReadAsync(body.Free(), request.Aborted)) > 0)
            {
                body._length += read;
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Gives the memory back; nothing may be sending it any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Memory<byte> Free()
    {
        var buffer = _buffer!;
        if (_length == buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            _buffer = buffer = larger;
        }

        return buffer.AsMemory(_length);
    }
}
