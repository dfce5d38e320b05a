using System.Net;
using ClaudeGateway.Net;

namespace ClaudeGateway.Tests.Net;

public sealed class AddressRulesTests
{
    private static readonly IPNetwork[] Private =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("::1/128"),
    ];

    [Fact]
    public void Private_addresses_are_those_of_the_private_networks()
    {
        foreach (var address in Around())
        {
            Assert.True(
                Array.Exists(Private, network => network.Contains(address)) == AddressRules.IsPrivate(address),
                address.ToString());
        }
    }

    /// <summary>Both ends of each network, their neighbours outside, and some of everywhere.</summary>
    private static IEnumerable<IPAddress> Around()
    {
        foreach (var network in Private)
        {
            var first = network.BaseAddress.GetAddressBytes();
            var last = first.Select((octet, i) =>
                (byte)(octet | (0xff >> Math.Clamp(network.PrefixLength - (i * 8), 0, 8)))).ToArray();
            yield return new IPAddress(first);
            yield return new IPAddress(last);
            yield return new IPAddress(Step(first, -1));
            yield return new IPAddress(Step(last, 1));
        }

        string[] others = ["0.0.0.0", "8.8.8.8", "255.255.255.255", "::", "::2", "2001:db8::1", "ff02::1"];
        foreach (var other in others)
        {
            yield return IPAddress.Parse(other);
        }
    }

    private static byte[] Step(byte[] octets, int by)
    {
        var stepped = octets.ToArray();
        for (var i = stepped.Length - 1; i >= 0; i--)
        {
            var sum = stepped[i] + by;
            stepped[i] = (byte)sum;
            if (sum is >= 0 and <= 255)
            {
                break;
            }
        }

        return stepped;
    }
}
