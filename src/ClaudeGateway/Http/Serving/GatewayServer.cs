using System.Net;
using System.Net.Sockets;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Net;
using ClaudeGateway.Process;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ClaudeGateway.Http.Serving;

/// <summary>
/// The HTTP server: Kestrel with the gateway's ceilings and nothing else of ASP.NET. HTTP/1.1 in the clear; with
/// <c>listen.tls</c> also HTTP/2, chosen by ALPN.
/// </summary>
internal static class GatewayServer
{
    /// <summary>Room for a bearer of some thousand groups (spec/newer.md: 250 KiB pass, 262 KiB do not).</summary>
    private const int MaxHeaderBytes = 256 * 1024;

    /// <summary>
    /// Kestrel's switch for lines that end in LF alone: a proxy in front may see another end of a header than we do.
    /// </summary>
    private const string RefusesBareLineFeeds = "Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators";

    /// <param name="tls">Null without <c>listen.tls</c>.</param>
    public static WebApplication Create(GatewayConfig config, TlsCertificate? tls, RequestDelegate handle)
    {
        // Read when the server's options are made.
        AppContext.SetSwitch(RefusesBareLineFeeds, isEnabled: true);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // No hop from the thread that read a request to another one (SocketThreads says what that asks for).
        builder.WebHost.UseKestrelCore().UseSockets(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            sockets.CreateBoundListenSocket = BindListener;
        }).UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // A request whose target is a whole URL names its host there (RFC 9112 section 3.2.2).
            kestrel.AllowHostHeaderOverride = true;
            // Upstreams' header values pass as the bytes they came in: the client side of HTTP reads them as Latin-1
            // too.
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.Limits.KeepAliveTimeout = config.Listen.KeepAlive;
            kestrel.Limits.MaxRequestBodySize = config.Limits.MaxRequestBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.MaxRequestHeaderCount = 1000;
            kestrel.Limits.MaxRequestLineSize = MaxHeaderBytes;
            kestrel.Limits.MaxRequestBufferSize = 1024 * 1024;
            kestrel.Limits.Http2.MaxRequestHeaderFieldSize = MaxHeaderBytes;
            Listen(kestrel, config.Listen, tls);
        });
        // How long a drain may last is for whoever stops the gateway to say; the host would cut it after 30 seconds.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        // After the server's own registration: the last one counts.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new BlockPoolFactory());
        var app = builder.Build();
        app.Run(handle);
        return app;
    }

    /// <exception cref="OperatorException">The address or port cannot be had.</exception>
    public static async Task StartAsync(WebApplication server, ListenConfig listen, CancellationToken cancellation)
    {
        try
        {
            await server.StartAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new OperatorException(
                $"cannot listen on {listen.Host}:{listen.Port}: {e.Message}. Set listen.host and listen.port to a free "
                    + "address of this machine",
                e);
        }
    }

    private static Socket BindListener(EndPoint endpoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        TcpKeepAlive.Set(socket);
        return socket;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenConfig listen, TlsCertificate? tls)
    {
        if (listen.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            ListenLocally(kestrel, listen.Port, tls);
            return;
        }

        var addresses = ListenAddresses.Of(listen.Host);
        // One free port cannot be asked for on several addresses at once.
        foreach (var address in listen.Port == 0 ? addresses.Take(1) : addresses)
        {
            kestrel.Listen(address, listen.Port, options => Protect(options, tls));
        }
    }

    private static void ListenLocally(KestrelServerOptions kestrel, int port, TlsCertificate? tls)
    {
        if (port == 0)
        {
            kestrel.Listen(IPAddress.Loopback, port, options => Protect(options, tls));
        }
        else
        {
            kestrel.ListenLocalhost(port, options => Protect(options, tls));
        }
    }

    private static void Protect(ListenOptions options, TlsCertificate? tls)
    {
        if (tls is null)
        {
            options.Protocols = HttpProtocols.Http1;
            return;
        }

        options.Protocols = HttpProtocols.Http1AndHttp2;
        options.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Current()) });
    }
}
