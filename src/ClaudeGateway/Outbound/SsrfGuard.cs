using System.Net;
using System.Net.Sockets;

namespace ClaudeGateway.Outbound;

/// <summary>The gateway itself refuses to connect there: asking again changes nothing.</summary>
internal sealed class OutboundRefusedException : HttpRequestException
{
    public OutboundRefusedException()
    {
    }

    public OutboundRefusedException(string message)
        : base(HttpRequestError.ConnectionError, message)
    {
    }

    public OutboundRefusedException(string message, Exception inner)
        : base(HttpRequestError.ConnectionError, message, inner)
    {
    }

    /// <summary>Whether <paramref name="exception"/> is, or was caused by, such a refusal.</summary>
    public static bool IsCauseOf(Exception? exception) => exception is OutboundRefusedException || (exception?.InnerException is { } inner && IsCauseOf(inner));
}

/// <summary>
/// Keeps outbound connections off addresses an operator or a discovery document must not point at: cloud metadata and
/// link-local always, loopback unless CLAUDE_GATEWAY_ALLOW_LOOPBACK is set. Private ranges are allowed: companies keep
/// their IdP and collectors there.
/// </summary>
internal sealed class SsrfGuard(bool allowLoopback)
{
    private static readonly IPNetwork[] Forbidden =
    [
        IPNetwork.Parse("169.254.0.0/16"), // link-local; 169.254.169.254 is the metadata service of every cloud
        IPNetwork.Parse("fe80::/10"),
        IPNetwork.Parse("fd00:ec2::/32"), // metadata of AWS on IPv6
        IPNetwork.Parse("100.100.100.200/32"), // metadata of Alibaba Cloud
        IPNetwork.Parse("168.63.129.16/32"), // the Azure host agent
        IPNetwork.Parse("192.0.0.192/32"), // metadata of Oracle Cloud
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("::/128"),
        IPNetwork.Parse("224.0.0.0/4"),
        IPNetwork.Parse("ff00::/8"),
    ];

    private static readonly string[] MetadataNames = ["metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"];

    public bool AllowLoopback => allowLoopback;

    /// <summary>Why a configured URL's host may not be used, judged without asking DNS; null when it may.</summary>
    public static string? RefusesHost(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.');
        if (Array.Exists(MetadataNames, name => host.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            return "is a cloud metadata endpoint";
        }

        return IPAddress.TryParse(host, out var address) && IsForbidden(address) ? "is a link-local or metadata address" : null;
    }

    /// <summary>Whether the host is this machine, judged by its spelling.</summary>
    public static bool IsLoopbackHost(string host)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IsLoopback(address));
    }

    /// <summary>Resolves <paramref name="host"/> once and returns the addresses a connection may be pinned to.</summary>
    /// <exception cref="HttpRequestException">The name does not resolve, or one of its addresses is refused.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException e)
        {
            throw new HttpRequestException(HttpRequestError.NameResolutionError, $"getaddrinfo ENOTFOUND {host}", e);
        }

        Check(host, addresses);
        return addresses;
    }

    /// <summary>Judges what a name resolved to.</summary>
    /// <exception cref="OutboundRefusedException">One of the addresses is refused.</exception>
    public void Check(string host, IReadOnlyList<IPAddress> addresses)
    {
        foreach (var resolved in addresses)
        {
            // One bad address refuses the name: otherwise a second DNS answer could win the race.
            var address = Http.ClientAddress.Unmap(resolved);
            if (IsForbidden(resolved))
            {
                throw new OutboundRefusedException($"ECONNREFUSED_SSRF: blocked (link-local or metadata address): {host} → {address}");
            }

            if (IsLoopback(resolved) && !allowLoopback)
            {
                throw new OutboundRefusedException($"ECONNREFUSED_SSRF: blocked (loopback; set CLAUDE_GATEWAY_ALLOW_LOOPBACK=1 for local testing): {host} → {address}");
            }
        }
    }

    /// <summary>Judges a host that the proxy resolves: names of this machine and literal addresses are all that can be seen here.</summary>
    /// <param name="neverLoopback">Whether this machine is refused even with CLAUDE_GATEWAY_ALLOW_LOOPBACK.</param>
    /// <exception cref="HttpRequestException">The host is refused.</exception>
    public void CheckSpelling(string host, bool neverLoopback = false)
    {
        if (IsLoopbackHost(host) && (neverLoopback || !allowLoopback))
        {
            throw new OutboundRefusedException(neverLoopback
                ? $"ECONNREFUSED_SSRF: blocked (loopback through the proxy; list the host in NO_PROXY): {host}"
                : $"ECONNREFUSED_SSRF: blocked (loopback; set CLAUDE_GATEWAY_ALLOW_LOOPBACK=1 for local testing): {host}");
        }

        if (MetadataNames.Contains(host.TrimEnd('.'), StringComparer.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IsForbidden(address)))
        {
            throw new OutboundRefusedException($"ECONNREFUSED_SSRF: blocked (link-local or metadata address): {host}");
        }
    }

    private static bool IsForbidden(IPAddress address) =>
        Http.ClientAddress.Contains(Forbidden, address)
        || EmbeddedAddress.AllIn(address).Any(inner => Http.ClientAddress.Contains(Forbidden, inner));

    /// <summary>
    /// Whether it is this machine, or a translator's way of writing an address that every machine calls its own.
    /// </summary>
    private static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address) || EmbeddedAddress.AllIn(address).Any(IPAddress.IsLoopback);
}
