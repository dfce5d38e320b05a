using System.Net;
using System.Net.Sockets;

namespace ClaudeGateway.Testing;

/// <summary>
/// An HTTP/1.1 server on a raw loopback socket whose every answer a test scripts. It records requests and lets tests
/// await them. Raw, because the gateway must be tried against answers no decent server would give.
/// </summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopped = new();
    private readonly Signal _changed = new();
    private readonly List<RecordedRequest> _requests = [];
    private readonly List<Socket> _connections = [];
    private readonly Func<FakeExchange, Task> _handle;
    private readonly Task _accepting;

    public FakeServer(Func<FakeExchange, Task> handle)
    {
        _handle = handle;
        // Both loopback addresses: "localhost" may resolve to either.
        _listener.DualMode = true;
        _listener.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>http://127.0.0.1:port.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>http://localhost:port, without a trailing slash.</summary>
    public string LocalUrl => $"http://localhost:{Port}";

    public IReadOnlyList<RecordedRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public Task<RecordedRequest> RequestAsync(string path) => RequestAsync(r => r.Path == path);

    /// <summary>The first request that fits, awaited until it arrives.</summary>
    public async Task<RecordedRequest> RequestAsync(Func<RecordedRequest, bool> fits)
    {
        RecordedRequest? found = null;
        await _changed.UntilAsync(
            () => (found = Requests.FirstOrDefault(fits)) is not null, "a request at the fake server");
        return found!;
    }

    public Task RequestCountAsync(int count) =>
        _changed.UntilAsync(() => Requests.Count >= count, $"{count} requests at the fake server");

    /// <summary>Refuses connections from now on and resets the open ones.</summary>
    public void Refuse()
    {
        _listener.Dispose();
        lock (_connections)
        {
            _connections.ForEach(c => c.Close(0));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        Refuse();
        await _accepting;
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopped.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stopped.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.NoDelay = true;
            lock (_connections)
            {
                _connections.Add(socket);
            }

            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var reader = new FakeRequestReader(socket);
        var clientGone = reader.PumpAsync();
        try
        {
            while (await reader.ReadAsync(_stopped.Token) is { } request)
            {
                lock (_requests)
                {
                    _requests.Add(request);
                }

                _changed.Set();
                var exchange = new FakeExchange(request, socket, clientGone, _stopped.Token);
                await _handle(exchange);
                if (!exchange.KeepAlive || !exchange.Answered)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client or the test has gone.
        }
        catch (Exception e)
        {
            // A mistake in the script must be seen, not hang the test.
            Console.Error.WriteLine($"fake server script failed: {e}");
        }
        finally
        {
            socket.Dispose();
            await clientGone;
            reader.Complete();
        }
    }
}
