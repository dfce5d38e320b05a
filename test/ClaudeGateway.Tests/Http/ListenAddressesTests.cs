using System.Net;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Http;

public sealed class ListenAddressesTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("::1", "::1")]
    [InlineData("[::1]", "::1")]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1")]
    public void An_address_stands_for_itself(string host, string address) =>
        Assert.Equal([IPAddress.Parse(address)], ListenAddresses.Of(host));

    [Fact]
    public void A_name_stands_for_its_addresses() =>
        Assert.All(ListenAddresses.Of("localhost"), address => Assert.True(IPAddress.IsLoopback(address)));

    [Fact]
    public void A_name_without_an_address_is_explained() =>
        Assert.Contains(
            "listen.host: \"nowhere.invalid\"",
            Assert.Throws<OperatorException>(() => ListenAddresses.Of("nowhere.invalid")).Message,
            StringComparison.Ordinal);
}
