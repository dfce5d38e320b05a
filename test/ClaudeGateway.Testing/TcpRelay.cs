using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>
/// Stands between a client and a server on this machine, to make the network misbehave: fall silent while connections
/// stay open, as behind a lost route, or cut them. With a certificate it also puts TLS in front of the server.
/// </summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopped = new();
    private readonly List<Socket> _sockets = [];
    private volatile int _targetPort;
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private volatile TaskCompletionSource _flows = Completed();
    private volatile TaskCompletionSource? _lost;
    private volatile CommitFault? _commitFault;

    public TcpRelay(int targetPort, X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _targetPort = targetPort;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>New connections lead to another server, as when a name or a virtual address moves.</summary>
    public void Retarget(int port) => _targetPort = port;

    /// <summary>Bytes stop in both directions; connections stay open and new ones are accepted.</summary>
    public void FallSilent() => _flows = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void SpeakAgain() => _flows.TrySetResult();

    /// <summary>
    /// Lets what the client sends through, but the first bytes of an answer end its connection: a commit whose
    /// confirmation never comes. Completes when that has happened; <see cref="KeepAnswers"/> ends it.
    /// </summary>
    public Task LoseAnswers()
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _lost = lost;
        return lost.Task;
    }

    public void KeepAnswers()
    {
        _lost = null;
        _commitFault = null;
    }

    /// <summary>
    /// The next COMMIT of a client reaches the database, and its connection ends before what the database says to it.
    /// Completes when that has happened; everything else goes on.
    /// </summary>
    /// <param name="andGoAway">Whether afterwards every connection is reset and new ones are refused.</param>
    /// <param name="after">Text of a statement that the transaction holds; what the gateway writes beside it has no
    /// say.</param>
    public Task LoseNextCommitAnswer(bool andGoAway = false, string after = "") =>
        OnNextCommit(isAnswerLost: true, andGoAway, after);

    /// <summary>The same with every COMMIT until <see cref="KeepAnswers"/>.</summary>
    public void LoseEveryCommitAnswer() =>
        _commitFault = new CommitFault(IsAnswerLost: true, new TaskCompletionSource()) { IsLasting = true };

    /// <summary>
    /// After the answer to a client's next COMMIT every connection is reset, and new ones are refused.
    /// </summary>
    /// <param name="after">Text of a statement that the transaction holds.</param>
    public Task GoAwayAfterNextCommit(string after = "") => OnNextCommit(isAnswerLost: false, goesAway: true, after);

    private Task OnNextCommit(bool isAnswerLost, bool goesAway, string after)
    {
        var happened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commitFault = new CommitFault(isAnswerLost, happened)
        {
            GoesAway = goesAway,
            After = Encoding.ASCII.GetBytes(after),
        };
        return happened.Task;
    }

    /// <summary>Resets every open connection; new ones are served.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            _sockets.ForEach(socket => socket.Close(0));
            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        SpeakAgain();
        _listener.Dispose();
        Cut();
        await _accepting;
        _stopped.Dispose();
    }

    private void End(Link link, CommitFault fault)
    {
        if (fault.GoesAway)
        {
            _listener.Dispose();
            // An answer that is on its way must arrive, so its connection is closed and not reset.
            CutOthers(link);
        }

        fault.Happened.TrySetResult();
    }

    private void CutOthers(Link link)
    {
        lock (_sockets)
        {
            _sockets.ForEach(socket =>
            {
                if (socket != link.Client)
                {
                    socket.Close(0);
                }
            });
            _sockets.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var client = await _listener.AcceptAsync(_stopped.Token);
                _ = RelayAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_sockets)
        {
            _sockets.AddRange([client, server]);
        }

        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _targetPort, _stopped.Token);
            await using var near = await ProtectAsync(new NetworkStream(client));
            await using var far = new NetworkStream(server);
            var link = new Link(client);
            await Task.WhenAny(PumpAsync(near, far, isAnswer: false, link), PumpAsync(far, near, isAnswer: true, link));
        }
        catch (Exception e)
            when (
                e is OperationCanceledException or SocketException or ObjectDisposedException or IOException
                or AuthenticationException)
        {
            // The test is over, or the server is away.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
        }
    }

    private async Task<Stream> ProtectAsync(NetworkStream stream)
    {
        if (_certificate is null)
        {
            return stream;
        }

        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(_certificate);
        return tls;
    }

    private async Task PumpAsync(Stream from, Stream to, bool isAnswer, Link link)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, _stopped.Token)) > 0)
            {
                await _flows.Task.WaitAsync(_stopped.Token);
                if (isAnswer && _lost is { } lost)
                {
                    lost.TrySetResult();
                    return;
                }

                if (!isAnswer && _commitFault is { } next && IsMeant(next, buffer.AsSpan(0, read), link))
                {
                    _commitFault = next.IsLasting ? next : null;
                    link.Fault = next;
                }

                if (isAnswer && link.Fault is { IsAnswerLost: true } loss)
                {
                    End(link, loss);
                    return;
                }

                await to.WriteAsync(buffer.AsMemory(0, read), _stopped.Token);
                if (isAnswer && link.Fault is { } fault)
                {
                    End(link, fault);
                    return;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // One side left.
        }
    }

    /// <summary>Whether a client sends the COMMIT that is waited for.</summary>
    private static bool IsMeant(CommitFault fault, ReadOnlySpan<byte> sent, Link link)
    {
        // What the connection was used for before the transaction is not in it.
        var begin = sent.LastIndexOf("BEGIN"u8);
        link.HasStatement &= begin < 0;
        link.HasStatement |= sent[Math.Max(0, begin)..].IndexOf(fault.After) >= 0;
        if (sent.IndexOf("COMMIT\0"u8) < 0)
        {
            return false;
        }

        (var isMeant, link.HasStatement) = (link.HasStatement, false);
        return isMeant;
    }

    /// <summary>What one connection of a client has in common with its own to the server.</summary>
    private sealed class Link(Socket client)
    {
        public Socket Client => client;

        public volatile CommitFault? Fault;

        /// <summary>Of the direction to the database alone.</summary>
        public bool HasStatement { get; set; }
    }

    private sealed record CommitFault(bool IsAnswerLost, TaskCompletionSource Happened)
    {
        public bool IsLasting { get; init; }

        public bool GoesAway { get; init; }

        public byte[] After { get; init; } = [];
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
