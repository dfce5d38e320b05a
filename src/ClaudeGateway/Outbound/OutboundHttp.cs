using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Logging;
using ClaudeGateway.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>What is asked of a target's name before the proxy is asked for the target.</summary>
internal enum ProxiedNames
{
    /// <summary>It must resolve here, to addresses the guard admits.</summary>
    Resolved,

    /// <summary>
    /// It is judged by its spelling alone: for the clouds' own endpoints, which the proxy may be alone in knowing.
    /// </summary>
    Unresolved,

    /// <summary>
    /// As <see cref="Unresolved"/>, but never this machine and never without TLS: for names that a discovery document
    /// may hold, whose server has to prove who it is because no address was checked.
    /// </summary>
    UnresolvedOverTls,
}

/// <summary>
/// How one family of outbound requests differs from the others; each has connections of its own, so none queues behind
/// another.
/// </summary>
internal sealed record OutboundOptions
{
    /// <summary>Whether the proxy variables of the environment apply.</summary>
    public bool UseProxy { get; init; } = true;

    /// <summary>Authorities trusted instead of the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>Gzip, deflate and brotli answers are decoded and the header removed.</summary>
    public DecompressionMethods Decompression { get; init; } = DecompressionMethods.None;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public ProxiedNames ProxiedNames { get; init; } = ProxiedNames.Resolved;

    /// <summary>
    /// Whether link-local and loopback addresses are admitted: for the credential services of the platform the gateway
    /// runs on, whose addresses come from its environment. Never for an address from elsewhere.
    /// </summary>
    public bool ReachesMetadataServices { get; init; }

    /// <summary>
    /// Whether the server need not prove who it is: only for a question to this machine that carries no secret and
    /// whose answer decides nothing but a probe.
    /// </summary>
    public bool AcceptsAnyCertificate { get; init; }
}

/// <summary>
/// The only place that opens a connection out. Every connection goes to an address <see cref="SsrfGuard"/> has resolved
/// and admitted, redirects are never followed, cookies never kept, no trace header added.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    public const string IdpConnectByHostnameVariable = "CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME";

    private readonly EnvironmentProxy _proxy;
    private readonly SsrfGuard _guard;
    private readonly X509Certificate2Collection _extraRoots;
    private readonly OutboundHttp? _parent;

    /// <summary>Clients and parts that end with this; it is also the lock over itself.</summary>
    private readonly HashSet<IDisposable> _disposables = [];

    /// <exception cref="OperatorException">A proxy variable or NODE_EXTRA_CA_CERTS cannot be used.</exception>
    public OutboundHttp(ProcessEnvironment environment, OperationalLog log)
    {
        _proxy = new EnvironmentProxy(environment);
        _guard = new SsrfGuard(environment.AllowLoopback);
        ProxyIsEgressBoundary = EgressBoundary.IsInForce(environment, _proxy, log);
        IdpConnectByHostname = ProcessEnvironment.IsTrue(environment[IdpConnectByHostnameVariable]);
        _extraRoots = ExtraAuthorities.Read(environment, log.Warn);
    }

    private OutboundHttp(OutboundHttp parent)
    {
        _parent = parent;
        _proxy = parent._proxy;
        _guard = parent._guard;
        _extraRoots = parent._extraRoots;
        ProxyIsEgressBoundary = parent.ProxyIsEgressBoundary;
        IdpConnectByHostname = parent.IdpConnectByHostname;
    }

    public SsrfGuard Guard => _guard;

    public EnvironmentProxy Proxy => _proxy;

    /// <summary>With the authorities that clients from here trust.</summary>
    public ServerProbe Probe => new(_extraRoots);

    /// <summary>
    /// Whether every connection goes through the proxy and names are resolved there, not here
    /// (CLAUDE_GATEWAY_PROXY_IS_EGRESS_BOUNDARY): for networks in which the gateway has no DNS of the outside.
    /// </summary>
    public bool ProxyIsEgressBoundary { get; }

    /// <summary>
    /// Whether the identity provider's hosts, where they are reached through the proxy, are handed to it unresolved
    /// (CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME, spec/newest.md): for networks in which the gateway resolves no public
    /// names.
    /// </summary>
    public bool IdpConnectByHostname { get; }

    /// <summary>The same rules for clients that end sooner: when the part is disposed, or with this object.</summary>
    public OutboundHttp CreatePart()
    {
        var part = new OutboundHttp(this);
        lock (_disposables)
        {
            _disposables.Add(part);
        }

        return part;
    }

    /// <summary>
    /// Whether requests with these options go through the proxy, those to hosts in NO_PROXY excepted.
    /// </summary>
    public bool ReachesThroughProxy(OutboundOptions options) =>
        (options.UseProxy || ProxyIsEgressBoundary) && !options.ReachesMetadataServices && _proxy.IsConfigured;

    /// <summary>
    /// A client with a connection pool of its own; disposed with this object. It has no timeout: pass a token to each
    /// request.
    /// </summary>
    public OutboundClient CreateClient(OutboundOptions options)
    {
        var useProxy = ReachesThroughProxy(options);
#pragma warning disable RS0030 // Here connections are made.
        var handler = new SocketsHttpHandler
#pragma warning restore RS0030
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = options.Decompression,
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = int.MaxValue,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            // An answer nobody wants is read to its end only if that is near; else its connection is closed.
            ResponseDrainTimeout = TimeSpan.FromMilliseconds(250),
            // The server reads request headers as UTF-8; their bytes go out as they came in.
            RequestHeaderEncodingSelector = static (_, _) => System.Text.Encoding.UTF8,
            // Bounded, so that a changed DNS record is noticed.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            UseProxy = useProxy,
            Proxy = useProxy ? _proxy : null,
            ConnectCallback = (context, cancellation) => ConnectAsync(context, useProxy, options, cancellation),
        };
        if (options.TrustedRoots is not null || _extraRoots.Count > 0)
        {
            handler.SslOptions.CertificateChainPolicy = ExtraAuthorities.ChainPolicy(options.TrustedRoots, _extraRoots);
        }

        if (options.AcceptsAnyCertificate)
        {
#pragma warning disable CA5359 // See the option.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        var client = new OutboundClient(handler, options.Decompression != DecompressionMethods.None);
        lock (_disposables)
        {
            _disposables.Add(client);
        }

        return client;
    }

    public void Dispose()
    {
        IDisposable[] disposables;
        lock (_disposables)
        {
            disposables = [.. _disposables];
            _disposables.Clear();
        }

        foreach (var disposable in disposables)
        {
            disposable.Dispose();
        }

        _parent?.Forget(this);
    }

    private void Forget(OutboundHttp part)
    {
        lock (_disposables)
        {
            _disposables.Remove(part);
        }
    }

    /// <summary>
    /// Through a proxy the endpoint is the proxy, which is the operator's choice and may be anywhere; the target is
    /// judged by its own name first.
    /// </summary>
    private async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, bool useProxy, OutboundOptions options, CancellationToken cancellation)
    {
        var endpoint = context.DnsEndPoint;
        var addresses = useProxy && ProxiedHost(context.InitialRequestMessage) is { } target
            ? await ResolveProxyAsync(
                endpoint.Host, target, context.InitialRequestMessage, options.ProxiedNames, cancellation)
            : options.ReachesMetadataServices
                ? await Dns.GetHostAddressesAsync(endpoint.Host, cancellation)
                : await _guard.ResolveAsync(endpoint.Host, cancellation);
#pragma warning disable RS0030 // Here connections are made.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
#pragma warning restore RS0030
        try
        {
            TcpKeepAlive.Set(socket);
            await socket.ConnectAsync(addresses, endpoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new HttpRequestException(
                HttpRequestError.ConnectionError, $"connect {e.SocketErrorCode} {endpoint.Host}:{endpoint.Port}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The host a request reaches through the proxy, or null when it goes direct. A tunnel is opened by a CONNECT
    /// request whose URI is the proxy's own; its Host header names the target.
    /// </summary>
    private string? ProxiedHost(HttpRequestMessage request)
    {
        if (request.Method == HttpMethod.Connect)
        {
            var authority = request.Headers.Host ?? "";
            return authority[..Math.Max(0, authority.LastIndexOf(':'))];
        }

        return request.RequestUri is { } uri && _proxy.GetProxy(uri) is not null ? uri.IdnHost : null;
    }

    private async Task<IPAddress[]> ResolveProxyAsync(
        string proxyHost, string target, HttpRequestMessage request, ProxiedNames names, CancellationToken cancellation)
    {
        switch (ProxyIsEgressBoundary && names == ProxiedNames.Resolved ? ProxiedNames.Unresolved : names)
        {
            case ProxiedNames.Resolved:
                await _guard.ResolveAsync(target, cancellation);
                break;
            case ProxiedNames.Unresolved:
                _guard.CheckSpelling(target);
                break;
            default:
                _guard.CheckSpelling(target, neverLoopback: true);
                if (request.Method != HttpMethod.Connect)
                {
                    throw new OutboundRefusedException(
                        $"ECONNREFUSED_SSRF: blocked (http:// through the proxy, which {IdpConnectByHostnameVariable} "
                            + "forbids; use https, or list the host in NO_PROXY if it can be reached without the "
                            + $"proxy): {target}");
                }

                break;
        }

        try
        {
            return await Dns.GetHostAddressesAsync(proxyHost, cancellation);
        }
        catch (SocketException e)
        {
            throw new HttpRequestException(
                HttpRequestError.NameResolutionError, $"getaddrinfo ENOTFOUND {proxyHost} (the proxy)", e);
        }
    }
}
