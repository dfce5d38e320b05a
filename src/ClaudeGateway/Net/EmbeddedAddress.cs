using System.Net;
using System.Net.Sockets;

namespace ClaudeGateway.Net;

/// <summary>
/// The IPv4 addresses within an IPv6 address: a translator or tunnel on the way may deliver to them, so what is
/// forbidden as IPv4 is forbidden in these spellings too.
/// </summary>
internal static class EmbeddedAddress
{
    /// <summary>Bits 64 to 71, which no embedded address takes (RFC 6052 section 2.2).</summary>
    private const int ReservedOctet = 8;

    private static readonly IPNetwork Mapped = IPNetwork.Parse("::ffff:0:0/96"); // RFC 4291 section 2.5.5.2
    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96"); // RFC 4291 section 2.5.5.1
    private static readonly IPNetwork Translated = IPNetwork.Parse("::ffff:0:0:0/96"); // RFC 2765 section 2.1
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96"); // RFC 6052 section 2.1
    private static readonly IPNetwork LocalNat64 = IPNetwork.Parse("64:ff9b:1::/48"); // RFC 8215
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16"); // RFC 3056 section 2
    private static readonly IPNetwork Teredo = IPNetwork.Parse("2001::/32"); // RFC 4380 section 4

    /// <summary>Isatap (RFC 5214 section 6.1): the interface identifier of any prefix, its first octet apart.</summary>
    private static ReadOnlySpan<byte> Isatap => [0x00, 0x5e, 0xfe];

    /// <summary>Every IPv4 address that may be meant, none for an ordinary IPv6 address or an IPv4 one.</summary>
    public static IReadOnlyList<IPAddress> AllIn(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.Equals(IPAddress.IPv6Loopback)
            || address.Equals(IPAddress.IPv6Any))
        {
            return [];
        }

        var octets = address.GetAddressBytes();
        if (Mapped.Contains(address) || Compatible.Contains(address) || Translated.Contains(address)
            || Nat64.Contains(address))
        {
            return [At(octets, 12)];
        }

        if (LocalNat64.Contains(address))
        {
            return OfLocalNat64(octets);
        }

        if (SixToFour.Contains(address))
        {
            return [At(octets, 2)];
        }

        if (Teredo.Contains(address))
        {
            // The server, and the client with every bit turned.
            return [At(octets, 4), new IPAddress([.. octets[12..].Select(octet => (byte)~octet)])];
        }

        return octets.AsSpan(9, 3).SequenceEqual(Isatap) && octets[8] is 0x00 or 0x02 ? [At(octets, 12)] : [];
    }

    /// <summary>
    /// The network's own prefix may have any length that RFC 6052 section 2.2 allows, and what stands behind the
    /// embedded address is zero. A reading that begins with zero is that of a shorter address, unless there is no
    /// other.
    /// </summary>
    private static IPAddress[] OfLocalNat64(byte[] octets)
    {
        var readings = new[] { (6, 11), (7, 12), (8, 13), (12, 16) }
            .Where(reading => !octets.AsSpan(reading.Item2).ContainsAnyExcept((byte)0))
            .Select(reading => At(octets, reading.Item1))
            .ToArray();
        var plausible = Array.FindAll(readings, reading => reading.GetAddressBytes()[0] != 0);
        return plausible.Length > 0 ? plausible : readings;
    }

    /// <summary>The address whose first octet is at <paramref name="start"/>.</summary>
    private static IPAddress At(byte[] octets, int start) =>
        new([.. octets.Where((_, at) => at >= start && at != ReservedOctet).Take(4)]);
}
