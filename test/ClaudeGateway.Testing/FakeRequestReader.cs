using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>Reads HTTP/1.1 requests off a socket: Content-Length or chunked bodies, Expect: 100-continue.</summary>
internal sealed class FakeRequestReader(Socket socket)
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0));

    /// <summary>
    /// Moves bytes from the socket until the client closes it; reads ahead, so that a close is noticed at once.
    /// </summary>
    public async Task PumpAsync()
    {
        try
        {
            int count;
            while ((count = await socket.ReceiveAsync(_pipe.Writer.GetMemory(64 * 1024))) > 0)
            {
                _pipe.Writer.Advance(count);
                await _pipe.Writer.FlushAsync();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // A reset ends the connection as a close does.
        }

        await _pipe.Writer.CompleteAsync();
    }

    /// <summary>Gives the memory back; nothing more will be read.</summary>
    public void Complete() => _pipe.Reader.Complete();

    /// <summary>The next request, or null at the end of the connection.</summary>
    public async Task<RecordedRequest?> ReadAsync(CancellationToken cancellation)
    {
        if (await UntilAsync("\r\n\r\n"u8.ToArray(), cancellation) is not { } head)
        {
            return null;
        }

        var lines = Encoding.UTF8.GetString(head).Split("\r\n");
        var first = lines[0].Split(' ');
        var headers = lines.Skip(1).Select(l => l.Split(':', 2)).Select(p => KeyValuePair.Create(p[0],
            p[1].Trim())).ToList();
        string? Header(string name) => headers.Find(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
        if (Header("expect") is not null)
        {
            await socket.SendAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellation);
        }

        var body = Header("transfer-encoding") is not null
            ? await ChunkedAsync(cancellation)
            : await TakeAsync(int.Parse(Header("content-length") ?? "0", CultureInfo.InvariantCulture), cancellation);
        return body is null ? null : new RecordedRequest(first[0], first[1], headers, body);
    }

    private async Task<byte[]?> ChunkedAsync(CancellationToken cancellation)
    {
        var body = new List<byte>();
        while (await UntilAsync("\r\n"u8.ToArray(), cancellation) is { } line)
        {
            var size = int.Parse(
                Encoding.ASCII.GetString(line).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (await TakeAsync(size + 2, cancellation) is not { } chunk)
            {
                return null;
            }

            body.AddRange(chunk[..size]);
            if (size == 0)
            {
                return [.. body];
            }
        }

        return null;
    }

    /// <summary>Bytes up to the delimiter, which is consumed; null when the connection ends first.</summary>
    private async Task<byte[]?> UntilAsync(byte[] delimiter, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await _pipe.Reader.ReadAsync(cancellation);
            var reader = new SequenceReader<byte>(result.Buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> found, delimiter))
            {
                var bytes = found.ToArray();
                _pipe.Reader.AdvanceTo(reader.Position);
                return bytes;
            }

            _pipe.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    private async Task<byte[]?> TakeAsync(int count, CancellationToken cancellation)
    {
        if (count == 0)
        {
            return [];
        }

        var result = await _pipe.Reader.ReadAtLeastAsync(count, cancellation);
        if (result.Buffer.Length < count)
        {
            return null;
        }

        var bytes = result.Buffer.Slice(0, count).ToArray();
        _pipe.Reader.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }
}
