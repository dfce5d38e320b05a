using System.Net;
using System.Net.Sockets;
using System.Text;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>One TCP connection to the gateway, byte by byte.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly StringBuilder _received = new();

    public RawClient(Uri gateway)
    {
        _socket.Connect(IPAddress.Parse(gateway.Host), gateway.Port);
    }

    /// <summary>Whether the gateway reset the connection instead of closing it.</summary>
    public bool WasReset { get; private set; }

    public async Task SendAsync(params byte[][] parts)
    {
        foreach (var part in parts)
        {
            await _socket.SendAsync(part);
        }
    }

    /// <summary>
    /// Everything received so far, as soon as it contains <paramref name="text"/> or the connection has ended.
    /// </summary>
    public async Task<string> UntilAsync(string text)
    {
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        var buffer = new byte[65536];
        while (text.Length == 0 || !_received.ToString().Contains(text, StringComparison.Ordinal))
        {
            try
            {
                var count = await _socket.ReceiveAsync(buffer, timeout.Token);
                if (count == 0)
                {
                    break;
                }

                _received.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
            catch (SocketException)
            {
                WasReset = true;
                break;
            }
        }

        return _received.ToString();
    }

    /// <summary>Everything up to the end of the connection.</summary>
    public Task<string> ToEndAsync() => UntilAsync("");

    /// <summary>Leaves without a goodbye.</summary>
    public void Reset() => _socket.Close(0);

    /// <summary>Says that nothing more will be sent, and goes on listening.</summary>
    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => _socket.Dispose();
}
