using System.Net;

namespace ClaudeGateway.Net;

/// <summary>What an address or a host's spelling says about where it leads, judged without asking anybody.</summary>
internal static class AddressRules
{
    /// <summary>Where no configuration and no answer of another system may lead the gateway.</summary>
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

    private static readonly string[] MetadataNames = [
        "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"];

    public static bool Contains(IReadOnlyList<IPNetwork> networks, IPAddress address)
    {
        foreach (var network in networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether the internet does not reach it: private (RFC 1918, RFC 4193), shared (RFC 6598), link-local or this
    /// machine. Asked for every request.
    /// </summary>
    public static bool IsPrivate(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length) && (length == 4
            ? (bytes[0], bytes[1]) is (10 or 127, _) or (192, 168) or (172, >= 16 and < 32) or (100, >= 64 and < 128)
                or (169, 254)
            : (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
                || address.Equals(IPAddress.IPv6Loopback));
    }

    /// <summary>An IPv4 address that is written as IPv6, as IPv4.</summary>
    public static IPAddress Unmap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Why a configured URL's host may not be used, judged without asking DNS; null when it may.</summary>
    public static string? RefusesHost(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.');
        if (IsMetadataName(host))
        {
            return "is a cloud metadata endpoint";
        }

        return IPAddress.TryParse(host, out var address) && IsForbidden(address)
            ? "is a link-local or metadata address"
            : null;
    }

    /// <summary>Whether the host is this machine, judged by its spelling.</summary>
    public static bool IsLoopbackHost(string host)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IsLoopback(address));
    }

    /// <summary>Whether a cloud's metadata service answers to the name.</summary>
    public static bool IsMetadataName(string host) =>
        MetadataNames.Contains(host.TrimEnd('.'), StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Link-local, metadata and the like, also inside an IPv6 address that a translator would unpack.
    /// </summary>
    public static bool IsForbidden(IPAddress address) =>
        Contains(Forbidden, address) || EmbeddedAddress.AllIn(address).Any(inner => Contains(Forbidden, inner));

    /// <summary>
    /// Whether it is this machine, or a translator's way of writing an address that every machine calls its own.
    /// </summary>
    public static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address) || EmbeddedAddress.AllIn(address).Any(IPAddress.IsLoopback);
}
