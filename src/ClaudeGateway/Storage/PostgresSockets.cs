using System.Net.Sockets;
using System.Runtime.CompilerServices;
using ClaudeGateway.Config.Postgres;
using Npgsql;
using Npgsql.Internal;

namespace ClaudeGateway.Storage;

/// <summary>
/// libpq's settings of a TCP connection that Npgsql has no words for. It does not hand out its socket, so its field is
/// read; where a version of Npgsql has no such field, only a URL with one of these parameters fails, and a test does.
/// </summary>
internal static class PostgresSockets
{
    /// <summary>TCP_USER_TIMEOUT of Linux, which .NET has no name for.</summary>
    private const int UserTimeout = 18;

    public static void Apply(PostgresTarget.SocketOptions options, NpgsqlConnection connection)
    {
        if (options.AreUsual)
        {
            return;
        }

        var socket = SocketOf(connection);
        if (socket.AddressFamily == AddressFamily.Unix)
        {
            return;
        }

        if (options.KeepAlive)
        {
            Set(socket, SocketOptionName.TcpKeepAliveTime, options.IdleSeconds);
            Set(socket, SocketOptionName.TcpKeepAliveInterval, options.IntervalSeconds);
            Set(socket, SocketOptionName.TcpKeepAliveRetryCount, options.Count);
        }

        if (options.UserTimeoutMilliseconds > 0 && OperatingSystem.IsLinux())
        {
            const int tcp = 6;
            socket.SetRawSocketOption(tcp, UserTimeout, BitConverter.GetBytes(options.UserTimeoutMilliseconds));
        }
    }

    internal static Socket SocketOf(NpgsqlConnection connection) => SocketField(Connector(connection));

    private static void Set(Socket socket, SocketOptionName name, int value)
    {
        if (value > 0)
        {
            socket.SetSocketOption(SocketOptionLevel.Tcp, name, value);
        }
    }

#pragma warning disable NPG9001 // Npgsql may change it: see above.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Connector")]
    private static extern NpgsqlConnector Connector(NpgsqlConnection connection);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_socket")]
    private static extern ref Socket SocketField(NpgsqlConnector connector);
#pragma warning restore NPG9001
}
