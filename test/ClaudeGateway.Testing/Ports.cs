using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ClaudeGateway.Testing;

/// <summary>Ports of this machine for programs that cannot choose one by themselves.</summary>
internal static class Ports
{
    /// <summary>One that is free now; another process may take it before it is bound.</summary>
    public static int Free()
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>
    /// One that stays free while its server is away for a moment: the system gives those of outgoing connections from
    /// 32768 on.
    /// </summary>
    public static int Quiet()
    {
        while (true)
        {
            using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                var port = RandomNumberGenerator.GetInt32(20000, 32000);
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken; another one.
            }
        }
    }
}
