using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Net;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// Which addresses of a gateway Claude Code's sign-in accepts (measured on 2.1.332): private ones, or those of one
/// block that the machine's own managed settings declare as the company's (<c>gatewayInternalNetworks</c>). One address
/// it does not accept refuses the name.
/// </summary>
internal static class ClientAddressRules
{
    private const int MaxNetworks = 4;
    private const int WidestPrefix = 8;

    private static readonly IPNetwork[] Private =
    [
        IPNetwork.Parse("10.0.0.0/8"),
        IPNetwork.Parse("172.16.0.0/12"),
        IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("100.64.0.0/10"),
        IPNetwork.Parse("::1/128"),
        IPNetwork.Parse("fc00::/7"),
        IPNetwork.Parse("fe80::/10"),
    ];

    /// <summary>What can be no company's own network and may not be declared as one.</summary>
    private static readonly IPNetwork[] Reserved =
    [
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.88.99.0/24"),
        IPNetwork.Parse("198.18.0.0/15"),
        IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"),
        IPNetwork.Parse("224.0.0.0/4"),
    ];

    /// <summary>The declared blocks, or why the client refuses every new sign-in over them.</summary>
    public static string? Read(IReadOnlyList<string> declared, out IReadOnlyList<IPNetwork> networks)
    {
        var read = new List<IPNetwork>();
        networks = read;
        if (declared.Count > MaxNetworks)
        {
            return $"holds {declared.Count} blocks; the client takes at most {MaxNetworks}";
        }

        foreach (var text in declared)
        {
            // The client refuses bits behind the prefix, which a parser may mask.
            if (!IPNetwork.TryParse(text, out var network) || network.ToString() != text
                || network.BaseAddress.AddressFamily != AddressFamily.InterNetwork
                || network.PrefixLength < WidestPrefix)
            {
                return $"'{text}' is no block the client takes: an IPv4 block by its first address and a prefix from /"
                    + $"{WidestPrefix} to /32, such as 9.0.0.0/8";
            }

            if (Find(Private.Concat(Reserved), network) is { } taken)
            {
                return $"'{text}' overlaps {taken}, which the client accepts without being told, or never";
            }

            if (Find(read, network) is { } other)
            {
                return $"'{text}' overlaps '{other}'; the client refuses both";
            }

            read.Add(network);
        }

        return null;
    }

    /// <summary>Null when the client connects to a name with these addresses, else why not and the cure.</summary>
    public static (string Text, string Advice)? Refusal(
        IReadOnlyList<IPAddress> addresses, IReadOnlyList<IPNetwork> declared)
    {
        var foreign = addresses.Where(address => !AddressRules.Contains(Private, AddressRules.Unmap(address))).ToList();
        if (foreign.Count == 0)
        {
            return null;
        }

        foreach (var block in declared.Where(block => foreign.Exists(block.Contains)))
        {
            var outside = addresses.Where(address => !block.Contains(address)).ToList();
            return outside.Count == 0
                ? null
                : ($"Claude Code refuses to sign in: {Join(addresses.Except(outside))} is within {block} of "
                    + $"gatewayInternalNetworks, but {Join(outside)} is not, and every address must be within the same "
                    + "block",
                    $"publish only records within {block}: remove {Join(outside)} (also private and IPv6 ones)");
        }

        var refused = $"Claude Code refuses to sign in: {Join(foreign)} "
            + $"{(foreign.Count == 1 ? "is no private address" : "are no private addresses")}";
        return foreign.Count < addresses.Count
            ? ($"{refused}, and beside private ones ({Join(addresses.Except(foreign))}) one is enough",
                "publish only the private records for this name, as developers' machines resolve it (remove the public "
                    + (foreign.Exists(a => a.AddressFamily == AddressFamily.InterNetworkV6) ? "AAAA" : "A")
                    + " record)")
            : (refused,
                "give the name a private address in the DNS that developers' machines ask; if the company numbers its "
                    + "own network from this IPv4 block, declare that as gatewayInternalNetworks in the machines' own "
                    + "managed settings (Claude Code 2.1.268), and tell doctor: --internal-network BLOCK");
    }

    private static IPNetwork? Find(IEnumerable<IPNetwork> networks, IPNetwork network)
    {
        foreach (var other in networks)
        {
            if (other.Contains(network.BaseAddress) || network.Contains(other.BaseAddress))
            {
                return other;
            }
        }

        return null;
    }

    private static string Join(IEnumerable<IPAddress> addresses) => string.Join(", ", addresses);
}
