using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Process;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

/// <summary>A small HTTP server on this machine's loopback addresses only.</summary>
internal sealed class DevServer : IAsyncDisposable
{
    private const int MaxAttempts = 5;
    private const long MaxRequestBytes = 64 * 1024 * 1024;

    private readonly WebApplication _server;

    private DevServer(int port, Func<string, RequestDelegate> create)
    {
        Url = $"http://localhost:{port}";
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.ListenLocalhost(port);
        });
        _server = builder.Build();
        _server.Run(create(Url));
    }

    public string Url { get; }

    /// <param name="port">0 takes any free one.</param>
    /// <param name="create">Makes the handler for the URL the server has got.</param>
    /// <exception cref="OperatorException">The port is taken.</exception>
    public static async Task<DevServer> StartAsync(
        int port, string purpose, Func<string, RequestDelegate> create, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var server = new DevServer(port == 0 ? FreePort() : port, create);
            try
            {
                await server._server.StartAsync(cancellation);
                return server;
            }
            catch (IOException e)
            {
                await server._server.DisposeAsync();
                // Somebody else may take a free port between choosing and binding it.
                if (port != 0 || attempt == MaxAttempts)
                {
                    throw new OperatorException(
                        $"cannot listen on port {new Uri(server.Url).Port} for the {purpose}: {e.Message}", e);
                }
            }
        }
    }

    /// <summary>A port that is free now on both loopback addresses.</summary>
    public static int FreePort()
    {
        while (true)
        {
#pragma warning disable RS0030 // Nothing is connected: is the port free?
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
#pragma warning restore RS0030
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)probe.LocalEndPoint!).Port;
            if (CanBind(IPAddress.IPv6Loopback, port))
            {
                return port;
            }
        }
    }

    public static bool IsFree(int port) => CanBind(IPAddress.Loopback, port) && CanBind(IPAddress.IPv6Loopback, port);

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private static bool CanBind(IPAddress address, int port)
    {
        try
        {
#pragma warning disable RS0030 // Nothing is connected: is the port free?
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
#pragma warning restore RS0030
            probe.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException e)
        {
            // A machine without IPv6 has nothing that could be in the way there.
            return e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;
        }
    }
}
