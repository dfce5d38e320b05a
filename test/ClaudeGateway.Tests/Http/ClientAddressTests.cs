using ClaudeGateway.Http;

namespace ClaudeGateway.Tests.Http;

public sealed class ClientAddressTests
{
    [Theory]
    [InlineData("203.0.113.9", "203.0.113.9")]
    [InlineData("203.0.113.9:4711", "203.0.113.9")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("[2001:db8::1]:443", "2001:db8::1")]
    [InlineData("[2001:db8::1]", "2001:db8::1")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    public void A_hop_is_an_address_with_or_without_a_port(string hop, string address)
    {
        Assert.True(ClientAddress.TryParseHop(hop, out var parsed));
        Assert.Equal(address, parsed.ToString());
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("1")]
    [InlineData("0x7f.1")]
    [InlineData("10.1.2.3:http")]
    [InlineData("[2001:db8::1")]
    [InlineData("[2001:db8::1]443")]
    [InlineData("fe80::1%eth0")]
    [InlineData("unknown")]
    public void Anything_else_is_unreadable(string hop) => Assert.False(ClientAddress.TryParseHop(hop, out _));
}
