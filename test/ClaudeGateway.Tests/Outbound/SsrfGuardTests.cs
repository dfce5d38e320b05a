using System.Net;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using ClaudeGateway.Outbound;

namespace ClaudeGateway.Tests.Outbound;

public sealed class SsrfGuardTests
{
    /// <summary>Every way to write 169.254.169.254 in IPv6, and ways to write other forbidden addresses.</summary>
    public static TheoryData<string> Forbidden =>
    [
        "169.254.169.254",
        "::ffff:169.254.169.254", // mapped
        "::169.254.169.254", // compatible
        "::ffff:0:169.254.169.254", // translated
        "64:ff9b::169.254.169.254", // NAT64
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::169.254.169.254", // a network's own NAT64, prefix of 96 bits
        "64:ff9b:1:a9fe:a9:fe00::", // of 48
        "64:ff9b:1:1a9:fe:a9fe::", // of 56: octet 7 is a9, then fe a9 fe
        "64:ff9b:1:101:a9:fea9:fe00:0", // of 64
        "2002:a9fe:a9fe::1", // 6to4
        "2002:a9fe:a9fe:1:2:3:4:5",
        "2001:0:a9fe:a9fe::", // Teredo's server
        "2001:0:808:808:0:0:5601:5601", // Teredo's client, every bit turned
        "2a00:1450::5efe:a9fe:a9fe", // ISATAP
        "2a00:1450::200:5efe:a9fe:a9fe",
        "64:ff9b::168.63.129.16",
        "64:ff9b::0.0.0.0",
        "64:ff9b:1::",
        "64:ff9b::224.0.0.1",
        "2002::1",
        "fe80::1",
        "fd00:ec2::254",
        "::",
    ];

    public static TheoryData<string> Loopback =>
    [
        "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
    ];

    public static TheoryData<string> Admitted =>
    [
        "8.8.8.8", "10.0.0.1", "fd00::10", "2a00:1450:4001::1", "64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8", "64:ff9b:1::8.0.0.0", "2002:808:808::1",
        "2001:0:808:808:0:0:f7f7:f7f7", "2001:db8::a9fe:a9fe", "::ffff:8.8.8.8", "::8.8.8.8", "2a00:1450::5efe:808:808",
    ];

    [Theory]
    [MemberData(nameof(Forbidden))]
    public async Task A_forbidden_address_is_refused_in_every_spelling_of_IPv6(string address)
    {
        var guard = new SsrfGuard(allowLoopback: true);
        var host = Host(address);

        Assert.NotNull(Values.HttpUrlProblem($"http://{host}/"));
        Assert.NotNull(AddressRules.RefusesHost(new Uri($"https://{host}:8443/")));
        Assert.Throws<OutboundRefusedException>(() => guard.CheckSpelling(new Uri($"http://{host}/").IdnHost));
        await Assert.ThrowsAsync<OutboundRefusedException>(() => guard.ResolveAsync(host, default));
        Assert.Throws<OutboundRefusedException>(() =>
            guard.Check("found.example", [IPAddress.Parse("8.8.8.8"), IPAddress.Parse(address)]));
    }

    [Theory]
    [MemberData(nameof(Loopback))]
    public async Task This_machine_is_refused_in_every_spelling_unless_the_environment_allows_it(string address)
    {
        var host = Host(address);

        Assert.True(AddressRules.IsLoopbackHost(host));
        await Assert.ThrowsAsync<OutboundRefusedException>(() =>
            new SsrfGuard(allowLoopback: false).ResolveAsync(host, default));
        Assert.Throws<OutboundRefusedException>(() =>
            new SsrfGuard(allowLoopback: false).Check("found.example", [IPAddress.Parse(address)]));
        Assert.Throws<OutboundRefusedException>(() =>
            new SsrfGuard(allowLoopback: true).CheckSpelling(host, neverLoopback: true));
        Assert.Single(await new SsrfGuard(allowLoopback: true).ResolveAsync(host, default));
    }

    [Theory]
    [MemberData(nameof(Admitted))]
    public async Task What_leads_elsewhere_is_admitted_in_the_same_spellings(string address)
    {
        var guard = new SsrfGuard(allowLoopback: false);

        Assert.Null(Values.HttpUrlProblem($"http://{Host(address)}/"));
        Assert.False(AddressRules.IsLoopbackHost(Host(address)));
        guard.CheckSpelling(Host(address));
        Assert.Equal([IPAddress.Parse(address)], await guard.ResolveAsync(Host(address), default));
    }

    private static string Host(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]"
        : address;
}
