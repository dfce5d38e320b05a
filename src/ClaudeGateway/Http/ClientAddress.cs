using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Net;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Http;

/// <summary>
/// Finds the client behind trusted proxies (spec/auth.md, Access control and client address): X-Forwarded-For is read
/// from the right, and only when the TCP peer is trusted, so a client cannot choose its own address.
/// </summary>
internal sealed class ClientAddress(IReadOnlyList<IPNetwork> trustedProxies)
{
    /// <param name="UnreadableHop">The entry that stopped the walk, or null; the address is then the TCP peer.</param>
    internal readonly record struct Result(IPAddress Address, string? UnreadableHop);

    public Result Of(HttpContext http)
    {
        var peer = AddressRules.Unmap(http.Connection.RemoteIpAddress ?? IPAddress.Loopback);
        if (trustedProxies.Count == 0 || !AddressRules.Contains(trustedProxies, peer))
        {
            return new Result(peer, null);
        }

        var hops = http.Request.Headers["X-Forwarded-For"].ToString().Split(',');
        for (var i = hops.Length - 1; i >= 0; i--)
        {
            var hop = hops[i].Trim();
            if (hop.Length == 0)
            {
                continue;
            }

            if (!TryParseHop(hop, out var address))
            {
                return new Result(peer, hop);
            }

            if (!AddressRules.Contains(trustedProxies, address))
            {
                return new Result(address, null);
            }
        }

        return new Result(peer, null);
    }

    /// <summary>Reads <c>ip</c>, <c>ipv4:port</c> and <c>[ipv6]:port</c>; a bare IPv6 address has no port.</summary>
    internal static bool TryParseHop(string hop, out IPAddress address)
    {
        var text = hop;
        if (hop.StartsWith('['))
        {
            var end = hop.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || (end + 1 < hop.Length && !IsPort(hop.AsSpan(end + 1))))
            {
                address = IPAddress.None;
                return false;
            }

            text = hop[1..end];
        }
        else if (hop.Count(c => c == ':') == 1)
        {
            var colon = hop.IndexOf(':', StringComparison.Ordinal);
            if (!IsPort(hop.AsSpan(colon)))
            {
                address = IPAddress.None;
                return false;
            }

            text = hop[..colon];
        }

        // IPAddress.TryParse also takes "1", "0x7f.1" and scope ids, which no proxy writes.
        if (!IPAddress.TryParse(text, out var parsed)
            || text.Contains('%', StringComparison.Ordinal)
            || (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text))
        {
            address = IPAddress.None;
            return false;
        }

        address = AddressRules.Unmap(parsed);
        return true;
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.Length > 1 && text[0] == ':' && !text[1..].ContainsAnyExceptInRange('0', '9');
}
