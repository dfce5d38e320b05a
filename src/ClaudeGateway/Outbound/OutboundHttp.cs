using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Outbound;

/// <summary>How one family of outbound requests differs from the others; each has connections of its own, so none queues behind another.</summary>
internal sealed record OutboundOptions
{
    /// <summary>Whether the proxy variables of the environment apply.</summary>
    public bool UseProxy { get; init; } = true;

    /// <summary>Authorities trusted instead of the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>Gzip, deflate and brotli answers are decoded and the header removed.</summary>
    public DecompressionMethods Decompression { get; init; } = DecompressionMethods.None;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// The only place that opens a connection out. Every connection goes to an address <see cref="SsrfGuard"/> has resolved
/// and admitted, redirects are never followed, cookies never kept, no trace header added.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    private readonly EnvironmentProxy _proxy;
    private readonly SsrfGuard _guard;
    private readonly X509Certificate2Collection _extraRoots = [];
    private readonly List<HttpMessageInvoker> _clients = [];

    /// <exception cref="BootException">A proxy variable or NODE_EXTRA_CA_CERTS cannot be used.</exception>
    public OutboundHttp(ProcessEnvironment environment, OperationalLog log)
    {
        _proxy = new EnvironmentProxy(environment);
        _guard = new SsrfGuard(environment.AllowLoopback);
        if (environment["NODE_EXTRA_CA_CERTS"] is { Length: > 0 } file)
        {
            try
            {
                _extraRoots.ImportFromPemFile(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
            {
                log.Warn($"NODE_EXTRA_CA_CERTS: {file} cannot be used and is ignored: {e.Message}");
            }
        }
    }

    public SsrfGuard Guard => _guard;

    public EnvironmentProxy Proxy => _proxy;

    /// <summary>A client with a connection pool of its own; disposed with this object. It has no timeout: pass a token to each request.</summary>
    public HttpMessageInvoker CreateClient(OutboundOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = options.Decompression,
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = int.MaxValue,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            // Bounded, so that a changed DNS record is noticed.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            UseProxy = options.UseProxy && _proxy.IsConfigured,
            Proxy = options.UseProxy && _proxy.IsConfigured ? _proxy : null,
            ConnectCallback = ConnectAsync,
        };
        if (options.TrustedRoots is not null || _extraRoots.Count > 0)
        {
            handler.SslOptions.CertificateChainPolicy = ChainPolicy(options.TrustedRoots);
        }

        var client = new HttpMessageInvoker(handler);
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    public void Dispose()
    {
        lock (_clients)
        {
            _clients.ForEach(client => client.Dispose());
        }
    }

    /// <summary>
    /// Through a proxy the endpoint is the proxy, so the target is judged by its own name first; the proxy itself is the
    /// operator's choice and may be anywhere.
    /// </summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var endpoint = context.DnsEndPoint;
        var target = context.InitialRequestMessage.RequestUri;
        IPAddress[] addresses;
        if (target is not null && _proxy.GetProxy(target) is { } proxy && proxy.IdnHost == endpoint.Host && proxy.Port == endpoint.Port && target.IdnHost != endpoint.Host)
        {
            await _guard.ResolveAsync(target.IdnHost, cancellation);
            addresses = await Dns.GetHostAddressesAsync(endpoint.Host, cancellation);
        }
        else
        {
            addresses = await _guard.ResolveAsync(endpoint.Host, cancellation);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, endpoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"connect {e.SocketErrorCode} {endpoint.Host}:{endpoint.Port}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private X509ChainPolicy ChainPolicy(X509Certificate2Collection? trustedRoots)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (trustedRoots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(trustedRoots);
            policy.CustomTrustStore.AddRange(_extraRoots);
            return policy;
        }

        // "Extra" roots add to the system's: custom trust replaces them, so both are listed.
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_extraRoots);
        using var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
        policy.CustomTrustStore.AddRange(system.Certificates);
        return policy;
    }
}
