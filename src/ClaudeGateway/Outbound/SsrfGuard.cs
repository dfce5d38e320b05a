using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Net;

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
    public static bool IsCauseOf(Exception? exception) =>
        exception is OutboundRefusedException || (exception?.InnerException is { } inner && IsCauseOf(inner));
}

/// <summary>
/// Keeps outbound connections off addresses an operator or a discovery document must not point at: cloud metadata and
/// link-local always, loopback unless CLAUDE_GATEWAY_ALLOW_LOOPBACK is set. Private ranges are allowed: companies keep
/// their IdP and collectors there.
/// </summary>
internal sealed class SsrfGuard(bool allowLoopback)
{
    public bool AllowLoopback => allowLoopback;

    /// <summary>
    /// Resolves <paramref name="host"/> once and returns the addresses a connection may be pinned to.
    /// </summary>
    /// <exception cref="HttpRequestException">The name does not resolve, or one of its addresses is
    /// refused.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal)
                ? [literal]
                : await Dns.GetHostAddressesAsync(host, cancellation);
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
            var address = AddressRules.Unmap(resolved);
            if (AddressRules.IsForbidden(resolved))
            {
                throw new OutboundRefusedException(
                    $"ECONNREFUSED_SSRF: blocked (link-local or metadata address): {host} → {address}");
            }

            if (AddressRules.IsLoopback(resolved) && !allowLoopback)
            {
                throw new OutboundRefusedException(
                    "ECONNREFUSED_SSRF: blocked (loopback; set CLAUDE_GATEWAY_ALLOW_LOOPBACK=1 for local testing): "
                        + $"{host} → {address}");
            }
        }
    }

    /// <summary>
    /// Judges a host that the proxy resolves: names of this machine and literal addresses are all that can be seen
    /// here.
    /// </summary>
    /// <param name="neverLoopback">Whether this machine is refused even with CLAUDE_GATEWAY_ALLOW_LOOPBACK.</param>
    /// <exception cref="HttpRequestException">The host is refused.</exception>
    public void CheckSpelling(string host, bool neverLoopback = false)
    {
        if (AddressRules.IsLoopbackHost(host) && (neverLoopback || !allowLoopback))
        {
            throw new OutboundRefusedException(neverLoopback
                ? $"ECONNREFUSED_SSRF: blocked (loopback through the proxy; list the host in NO_PROXY): {host}"
                : "ECONNREFUSED_SSRF: blocked (loopback; set CLAUDE_GATEWAY_ALLOW_LOOPBACK=1 for local testing): "
                    + $"{host}");
        }

        if (AddressRules.IsMetadataName(host)
            || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && AddressRules.IsForbidden(address)))
        {
            throw new OutboundRefusedException($"ECONNREFUSED_SSRF: blocked (link-local or metadata address): {host}");
        }
    }
}
