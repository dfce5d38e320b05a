using System.Net;
using ClaudeGateway.Cli.Doctor;

namespace ClaudeGateway.Tests.Cli;

/// <summary>Each case is what Claude Code 2.1.332 did at its sign-in with a name of these addresses.</summary>
public sealed class ClientAddressRulesTests
{
    [Theory]
    [InlineData("10.255.1.1")]
    [InlineData("127.0.0.1")]
    [InlineData("100.64.3.4")]
    [InlineData("169.254.10.10")]
    [InlineData("fd00::1")]
    [InlineData("::ffff:10.255.1.1")]
    [InlineData("10.255.1.1 fd00::1")]
    [InlineData("9.9.9.9", "9.0.0.0/8")]
    [InlineData("9.9.9.9 9.1.1.1", "11.0.0.0/8 9.0.0.0/8")]
    public void These_the_client_accepts(string addresses, string declared = "") =>
        Assert.Null(Refusal(addresses, declared));

    [Theory]
    [InlineData("8.8.4.4", "", "8.8.4.4 is no private address")]
    [InlineData("203.0.113.9", "", "203.0.113.9 is no private address")]
    [InlineData("198.18.0.1", "", "198.18.0.1")]
    [InlineData("240.0.0.1", "", "240.0.0.1")]
    [InlineData("fec0::1", "", "fec0::1")]
    [InlineData("2001:4860:4860::8888", "", "2001:4860:4860::8888")]
    [InlineData("::ffff:8.8.4.4", "", "8.8.4.4")]
    [InlineData("64:ff9b::aff:101", "", "64:ff9b::aff:101")]
    [InlineData("2002:aff:101::1", "", "2002:aff:101::1")]
    [InlineData("10.255.1.1 8.8.4.4", "", "8.8.4.4 is no private address, and beside private ones (10.255.1.1)")]
    [InlineData("9.9.9.9 8.8.4.4", "", "9.9.9.9, 8.8.4.4 are no private addresses")]
    [InlineData("9.9.9.9", "11.0.0.0/8", "9.9.9.9 is no private address")]
    [InlineData("9.9.9.9 10.255.1.1", "9.0.0.0/8", "10.255.1.1 is not")]
    [InlineData("9.9.9.9 fd00::1", "9.0.0.0/8", "fd00::1 is not")]
    [InlineData("9.9.9.9 11.1.1.1", "9.0.0.0/8 11.0.0.0/8", "11.1.1.1 is not")]
    public void These_it_refuses_and_the_one_at_fault_is_named(string addresses, string declared, string expected) =>
        Assert.Contains(expected, Refusal(addresses, declared)!.Value.Text, StringComparison.Ordinal);

    [Theory]
    [InlineData("10.255.1.1 2001:4860:4860::8888", "remove the public AAAA record")]
    [InlineData("10.255.1.1 8.8.4.4", "remove the public A record")]
    [InlineData("9.9.9.9", "--internal-network")]
    [InlineData("9.9.9.9 10.255.1.1", "remove 10.255.1.1", "9.0.0.0/8")]
    public void The_cure_is_named(string addresses, string expected, string declared = "") =>
        Assert.Contains(expected, Refusal(addresses, declared)!.Value.Advice, StringComparison.Ordinal);

    [Theory]
    [InlineData("10.0.0.0/8", "overlaps 10.0.0.0/8")]
    [InlineData("203.0.113.0/24", "overlaps 203.0.113.0/24")]
    [InlineData("9.0.0.1/8", "is no block")]
    [InlineData("8.0.0.0/7", "is no block")]
    [InlineData("2001:db8::/32", "is no block")]
    [InlineData("9.9.9.9", "is no block")]
    [InlineData("nonsense", "is no block")]
    [InlineData("9.0.0.0/8 9.1.0.0/16", "overlaps '9.0.0.0/8'")]
    [InlineData("9.0.0.0/8 11.0.0.0/8 12.0.0.0/8 13.0.0.0/8 14.0.0.0/8", "at most 4")]
    public void A_list_the_client_cannot_use_is_told(string declared, string expected) =>
        Assert.Contains(expected, ClientAddressRules.Read(declared.Split(' '), out _)!, StringComparison.Ordinal);

    [Theory]
    [InlineData("240.0.0.0/8")]
    [InlineData("9.9.9.9/32")]
    public void Unusual_blocks_may_be_declared(string declared) =>
        Assert.Null(ClientAddressRules.Read([declared], out _));

    private static (string Text, string Advice)? Refusal(string addresses, string declared)
    {
        Assert.Null(
            ClientAddressRules.Read(
                declared.Split(' ', StringSplitOptions.RemoveEmptyEntries), out var networks));
        return ClientAddressRules.Refusal([.. addresses.Split(' ').Select(IPAddress.Parse)], networks);
    }
}
