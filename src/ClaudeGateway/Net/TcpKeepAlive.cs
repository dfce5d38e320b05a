using System.Net.Sockets;

namespace ClaudeGateway.Net;

/// <summary>
/// A peer that vanished without a word (a host that lost power, a route, a NAT entry that was dropped) never ends a
/// connection: the system asks after a minute of silence whether it is still there, and gives up a minute later.
/// </summary>
internal static class TcpKeepAlive
{
    public const int IdleSeconds = 60;
    public const int IntervalSeconds = 15;
    private const int Probes = 4;

    /// <summary>A connection that a listening socket accepts inherits what it says.</summary>
    public static void Set(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, IntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }
}
