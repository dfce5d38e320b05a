using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

/// <summary>A small HTTP server on this machine's loopback addresses only.</summary>
internal sealed class DevServer : IAsyncDisposable
{
    private readonly WebApplication _server;

    private DevServer(WebApplication server, int port)
    {
        _server = server;
        Url = $"http://localhost:{port}";
    }

    public string Url { get; }

    /// <exception cref="BootException">The port is taken.</exception>
    public static async Task<DevServer> StartAsync(int port, string purpose, RequestDelegate handle, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
            kestrel.ListenLocalhost(port);
        });
        var server = builder.Build();
        server.Run(handle);
        try
        {
            await server.StartAsync(cancellation);
        }
        catch (IOException e)
        {
            await server.DisposeAsync();
            throw new BootException($"cannot listen on port {port} for the {purpose}: {e.Message}", e);
        }

        return new DevServer(server, port);
    }

    /// <summary>A port that is free now on this machine.</summary>
    public static int FreePort()
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }
}
