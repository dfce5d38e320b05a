using System.Net;
using System.Net.Sockets;

namespace ClaudeGateway.Http;

/// <summary>
/// Whom a limit per client counts as one: an IPv4 address, or the /64 of an IPv6 address, because whoever has one
/// address of it has all (RFC 6177 section 2 gives a site no less).
/// </summary>
internal static class ClientNetwork
{
    public static IPAddress Of(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
