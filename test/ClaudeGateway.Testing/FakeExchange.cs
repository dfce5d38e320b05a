using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>
/// One request at a fake server and the answer to it, down to single writes: whole answers, streams, and every way an
/// answer can go wrong.
/// </summary>
internal sealed class FakeExchange(RecordedRequest request, Socket socket, Task clientGone, CancellationToken stopped)
{
    private bool _chunked;

    public RecordedRequest Request { get; } = request;

    /// <summary>Completes when the client has closed its connection.</summary>
    public Task ClientGone { get; } = clientGone;

    /// <summary>Cancelled when the fake server is disposed.</summary>
    public CancellationToken Stopped { get; } = stopped;

    /// <summary>Whether the connection can carry another request.</summary>
    internal bool KeepAlive { get; private set; } = true;

    internal bool Answered { get; private set; }

    public Task RespondJsonAsync(int status, object body, params (string Name, string Value)[] headers) =>
        RespondAsync(
            status, JsonSerializer.SerializeToUtf8Bytes(body), [("content-type", "application/json"), .. headers]);

    public Task RespondAsync(int status, string body, params (string Name, string Value)[] headers) =>
        RespondAsync(status, Encoding.UTF8.GetBytes(body), headers);

    /// <summary>A whole answer with its length.</summary>
    public async Task RespondAsync(int status, byte[] body, params (string Name, string Value)[] headers)
    {
        var head = Encoding.UTF8.GetBytes(
            Head(
                status,
                [
                    .. headers,
                    ("content-length", body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture))]));
        await WriteRawAsync(Request.Method == "HEAD" ? head : [.. head, .. body]);
        Answered = true;
    }

    /// <summary>
    /// Sends the headers of a chunked answer; <see cref="WriteAsync(byte[])"/> and <see cref="EndAsync"/> follow.
    /// </summary>
    public Task StartAsync(int status, params (string Name, string Value)[] headers)
    {
        _chunked = true;
        return WriteRawAsync(Encoding.UTF8.GetBytes(Head(status, [.. headers, ("transfer-encoding", "chunked")])));
    }

    public Task WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>One chunk in one packet.</summary>
    public Task WriteAsync(byte[] chunk) =>
        WriteRawAsync([.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8]);

    public async Task EndAsync()
    {
        if (_chunked)
        {
            await WriteRawAsync("0\r\n\r\n"u8.ToArray());
        }

        Answered = true;
    }

    /// <summary>Bytes as they are, for answers that are not HTTP.</summary>
    public async Task WriteRawAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += await socket.SendAsync(bytes.AsMemory(sent), Stopped);
        }
    }

    /// <summary>Closes with a TCP reset, whatever was or was not sent before.</summary>
    public void Reset()
    {
        KeepAlive = false;
        socket.Close(0);
    }

    /// <summary>Ends the connection cleanly in the middle of whatever was sent before.</summary>
    public void Close()
    {
        KeepAlive = false;
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Says nothing more until the client has left or the server is disposed.</summary>
    public async Task StallAsync()
    {
        KeepAlive = false;
        await ClientGone.WaitAsync(Stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static string Head(int status, IEnumerable<(string Name, string Value)> headers)
    {
        var text = new StringBuilder($"HTTP/1.1 {status} \r\n");
        foreach (var (name, value) in headers)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        return text.Append("\r\n").ToString();
    }
}
