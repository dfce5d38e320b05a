using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Net;

namespace ClaudeGateway.Config;

/// <summary>The <c>listen</c> section: where the gateway listens and under which origin developers reach it.</summary>
internal sealed record ListenConfig
{
    public string Host { get; init; } = "0.0.0.0";

    /// <summary>0 to 65535; 0 lets the system choose.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>
    /// The public origin without a trailing slash. Null on a loopback host, where the Host header stands in for it, and
    /// where <see cref="ServesLoopbackNamesOnly"/>.
    /// </summary>
    public string? PublicUrl { get; init; }

    /// <summary>
    /// Whether the gateway is open to the network and nobody has said under which name: then it answers only where the
    /// Host header names the asking machine itself, as it does for a container's published port.
    /// </summary>
    public bool ServesLoopbackNamesOnly => PublicUrl is null && !AddressRules.IsLoopbackHost(Host);

    public TlsConfig? Tls { get; init; }

    /// <summary>Peers whose X-Forwarded-For is believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>How long /readyz says 503 before a stopping gateway refuses connections; our own key.</summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.Zero;

    /// <summary>How long a connection without a request stays open; our own key.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(3660);
}

/// <summary>PEM files of the certificate (chain) and its key.</summary>
internal sealed record TlsConfig(string CertPath, string KeyPath)
{
    /// <summary>The certificate with its key as the files hold them now; the caller disposes it.</summary>
    /// <exception cref="Exception">One for which <see cref="IsUnusable"/>.</exception>
    public X509Certificate2 ReadCertificate() => X509Certificate2.CreateFromPemFile(CertPath, KeyPath);

    /// <summary>Whether this is how files say that they are missing, unreadable or no certificate and key.</summary>
    public static bool IsUnusable(Exception e) =>
        e is IOException or UnauthorizedAccessException or CryptographicException;
}

/// <summary>The <c>access_control</c> section; deny is checked first, an empty allow list allows everybody.</summary>
internal sealed record AccessControlConfig
{
    public IReadOnlyList<IPNetwork> AllowCidrs { get; init; } = [];

    public IReadOnlyList<IPNetwork> DenyCidrs { get; init; } = [];
}

/// <summary>
/// The <c>limits</c> section. Null means no limit of the gateway's own (Kestrel's ceilings still hold).
/// </summary>
internal sealed record LimitsConfig
{
    /// <summary>Bytes of one request body; exactly the limit passes.</summary>
    public long MaxRequestBytes { get; init; } = 33_554_432;

    /// <summary>Bytes of all headers, each counted as name + value + 4.</summary>
    public int? MaxRequestHeaderBytes { get; init; }

    /// <summary>Characters of the whole URL: scheme, host, path and query.</summary>
    public int? MaxUrlLength { get; init; }

    /// <summary>
    /// Messages API requests with upstreams at one time, on each replica; ours, the reference has a fixed 256.
    /// </summary>
    public int? MaxUpstreamRequests { get; init; }
}

/// <summary>The <c>timeouts</c> section.</summary>
internal sealed record TimeoutsConfig
{
    public static readonly TimeSpan DefaultUpstreamTtfb = TimeSpan.FromMinutes(2);

    /// <summary>How long an upstream may take to send response headers.</summary>
    public TimeSpan UpstreamTtfb { get; init; } = DefaultUpstreamTtfb;

    /// <summary>Whether the file sets it: cloud upstreams are bounded only then.</summary>
    public bool UpstreamTtfbIsSet { get; init; }
}

/// <summary>The <c>rate_limits</c> section: sign-in attempts per client address and fixed window.</summary>
internal sealed record RateLimitsConfig
{
    public RateLimitRule DeviceAuthorization { get; init; } = new(30, TimeSpan.FromMinutes(10));

    public RateLimitRule DeviceVerify { get; init; } = new(10, TimeSpan.FromMinutes(10));
}

/// <summary>At most <paramref name="Max"/> attempts in each <paramref name="Window"/>; both above zero.</summary>
internal sealed record RateLimitRule(int Max, TimeSpan Window);

/// <summary>The <c>load_test_mode</c> section: canned answers instead of a model (spec/newer.md).</summary>
/// <param name="ReplyTokens">1 to 100,000.</param>
/// <param name="ReplyDuration">0 to 600 seconds over which a streamed answer is spread.</param>
/// <param name="ReportUsage">Our own option: answers state usage, so that metering and its writes are loaded
/// too.</param>
internal sealed record LoadTestModeConfig(bool Enabled, int ReplyTokens, TimeSpan ReplyDuration, bool ReportUsage);
