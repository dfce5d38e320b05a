using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>
/// A forward proxy for CONNECT (RFC 9110 section 9.3.6) that knows host names nobody else does: each leads to a plain
/// server on this machine, with TLS put in front of it. Everything else is refused with 502.
/// </summary>
internal sealed class ForwardProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private readonly IReadOnlyDictionary<string, int> _targets;
    private readonly X509Certificate2 _certificate;
    private readonly Task _accepting;

    /// <param name="targets">"host:port" to a port of this machine.</param>
    public ForwardProxy(IReadOnlyDictionary<string, int> targets, X509Certificate2 certificate)
    {
        _targets = targets;
        _certificate = certificate;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";
        _accepting = AcceptAsync();
    }

    public string Url { get; }

    /// <summary>The first line of every request, in order.</summary>
    public IReadOnlyCollection<string> Asked => _asked;

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopped.Dispose();
        _certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptAsync(_stopped.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var client = new NetworkStream(socket, ownsSocket: true);
            var line = await ReadHeadAsync(client);
            _asked.Enqueue(line);
            if (line.Split(' ') is not ["CONNECT", var authority, ..] || !_targets.TryGetValue(authority, out var port))
            {
                await client.WriteAsync(
                    "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"u8.ToArray(),
                    _stopped.Token);
                return;
            }

            using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            {
                NoDelay = true,
            };
            await server.ConnectAsync(IPAddress.Loopback, port, _stopped.Token);
            await client.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stopped.Token);
            await using var tls = new SslStream(client);
            await tls.AuthenticateAsServerAsync(_certificate);
            await using var far = new NetworkStream(server);
            await Task.WhenAny(tls.CopyToAsync(far, _stopped.Token), far.CopyToAsync(tls, _stopped.Token));
        }
        catch (Exception e)
            when (
                e is OperationCanceledException or SocketException or ObjectDisposedException or IOException
                or AuthenticationException)
        {
            // The test is over, or one side left.
        }
    }

    /// <summary>Byte by byte: what follows the head belongs to the tunnel.</summary>
    private async Task<string> ReadHeadAsync(NetworkStream client)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)
            && await client.ReadAsync(one, _stopped.Token) > 0)
        {
            head.Append((char)one[0]);
        }

        return head.ToString().Split("\r\n")[0];
    }
}
