using System.Net;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>listen</c>.</summary>
internal static class ListenSection
{
    private static readonly Key<string> Host = new(
        "host",
        Text(0),
        "Address to listen on, or a name of this machine; a loopback address or `localhost` for one machine only, `*` "
            + "for every address.")
    {
        Default = "0.0.0.0",
        NeedsRestart = true,
        Example = "127.0.0.1",
    };

    private static readonly Key<int> Port = new(
        "port",
        Integer(0, 65535),
        "TCP port; 0 lets the system choose a free one.")
    {
        Default = "8080",
        NeedsRestart = true,
    };

    private static readonly Key<string> PublicUrl = new(
        "public_url",
        Text(0).Named("http(s) origin").Must(PublicUrlProblem),
        "The origin under which developers reach the gateway: scheme, host and port only. It is the issuer of the "
            + "gateway's tokens and the base of the address the IdP sends the browser back to.")
    {
        Required = "required unless `host` is a loopback address",
        // In every token, and registered at the identity provider.
        NeedsRestart = true,
        Example = "https://claude-gateway.example.com",
    };

    private static readonly Key<string> Cert = new(
        "cert", ExistingFile(), "PEM file of the certificate, followed by its chain.")
    {
        IsRequired = true,
        Example = "/etc/gateway/tls.crt",
    };

    private static readonly Key<string> KeyFile = new(
        "key", ExistingFile(), "PEM file of the certificate's private key.")
    {
        IsRequired = true,
        Example = "/etc/gateway/tls.key",
    };

    private static readonly Key<TlsConfig> Tls = new(
        "tls",
        Object([Cert, KeyFile], fields => new TlsConfig(fields.Get(Cert), fields.Get(KeyFile)), CheckPair),
        "Serve HTTPS directly. Leave it out behind a proxy that ends TLS.")
    {
        NeedsRestart = true,
    };

    private static readonly Key<IReadOnlyList<IPNetwork>> TrustedProxies = new(
        "trusted_proxies", ListOf(Cidr()), "Proxies in front of the gateway whose `X-Forwarded-For` is believed.")
    {
        Default = "[]",
        Example = "[10.0.0.0/8]",
    };

    private static readonly Key<int> DrainDelay = new(
        "drain_delay_seconds",
        Integer(0, 300),
        "Seconds for which /readyz answers 503 after SIGTERM before connections are refused, so that a load balancer "
            + "looks away first. Our own key.")
    {
        Default = "0",
        Example = "10",
    };

    private static readonly Key<int> KeepAlive = new(
        "keep_alive_seconds",
        Integer(1, 86_400),
        "Seconds for which a connection without a request stays open. Longer than the load balancer keeps its own, or "
            + "it now and then sends a request into a connection that is just being closed and answers 502. Our own key.")
    {
        Default = "3660",
        NeedsRestart = true,
    };

    public static readonly Shape<ListenConfig> Shape = Object(
        [Host, Port, PublicUrl, Tls, TrustedProxies, DrainDelay, KeepAlive], Build, Check);

    private static void Check(Fields fields)
    {
        if (!fields.IsGiven(PublicUrl) && !fields.IsFoundAtStart(PublicUrl)
            && fields.Get(Host) is { } host && !AddressRules.IsLoopbackHost(host))
        {
            fields.Require(
                PublicUrl,
                $"because listen.host {host} is not a loopback address: the origin developers use, such as "
                    + "https://claude-gateway.example.com");
        }
        else if (fields.Has(PublicUrl) && Uri.TryCreate(fields.Get(PublicUrl), UriKind.Absolute, out var url)
            && url.Scheme == Uri.UriSchemeHttp && !AddressRules.IsLoopbackHost(url.Host))
        {
            fields.Warn(PublicUrl, "is plain http: bearers and sign-in codes cross the network unencrypted; use https");
        }
    }

    private static void CheckPair(Fields fields)
    {
        if (!fields.Has(Cert) || !fields.Has(KeyFile))
        {
            return;
        }

        try
        {
            using var certificate = new TlsConfig(fields.Get(Cert), fields.Get(KeyFile)).ReadCertificate();
        }
        catch (Exception e) when (TlsConfig.IsUnusable(e))
        {
            fields.Problem(
                KeyFile,
                "is not the unencrypted private key, in PEM, of the certificate in cert: "
                    + $"{e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static ListenConfig Build(Fields fields) => new()
    {
        Host = fields.Get(Host) is { Length: > 0 } host ? host : "*",
        Port = fields.Get(Port),
        PublicUrl = fields.Get(PublicUrl)?.TrimEnd('/'),
        Tls = fields.Get(Tls),
        TrustedProxies = fields.Get(TrustedProxies),
        DrainDelay = TimeSpan.FromSeconds(fields.Get(DrainDelay)),
        KeepAlive = TimeSpan.FromSeconds(fields.Get(KeepAlive)),
    };

    private static string? PublicUrlProblem(string text)
    {
        const string Allowed = "it must be an origin such as https://claude-gateway.example.com";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || text.Any(char.IsWhiteSpace))
        {
            return $"is not a URL; {Allowed}";
        }

        return url switch
        {
            { Scheme: not ("https" or "http") } =>
                $"begins with {url.Scheme}:, which browsers and clients cannot use; {Allowed}",
            { UserInfo.Length: > 0 } => $"holds credentials, and every client would see them; {Allowed}",
            { Query.Length: > 0 } or { Fragment.Length: > 0 } => $"has a query or fragment; {Allowed}",
            { AbsolutePath: not "/" } => $"has a path, but the gateway serves at the root of its origin; {Allowed}",
            _ => null,
        };
    }
}
