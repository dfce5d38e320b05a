using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Cli.Doctor;
using ClaudeGateway.Config;
using ClaudeGateway.Outbound;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Doctor;

public sealed class PublicUrlExaminationTests : IAsyncDisposable
{
    private readonly CertificateFiles _files = new("localhost");
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly X509Certificate2Collection _trusted = [];

    [Fact]
    public async Task The_certificate_that_is_presented_is_shown_as_the_client_shows_it()
    {
        _trusted.ImportFromPem(_files.AuthorityPem);
        await using var gateway = await GatewayHost.StartAsync(TestConfig.Create(_idp, [_upstream]) with
        {
            Listen = Listen(null),
        });

        var findings = await ExamineAsync(Listen($"https://localhost:{gateway.Url.Port}") with { Tls = null });

        Assert.All(findings, finding => Assert.True(finding.IsWell, finding.Text));
        Assert.Contains("which Claude Code accepts", findings[0].Text, StringComparison.Ordinal);
        Assert.Contains($"SHA-256 {Fingerprint()}", findings[1].Text, StringComparison.Ordinal);
        Assert.Contains($"shows {Fingerprint()[..16]}", findings[1].Text, StringComparison.Ordinal);
        Assert.Contains("expires 2170-01-01", findings[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_or_not_for_the_name_is_shown_too()
    {
        await using var gateway = await GatewayHost.StartAsync(TestConfig.Create(_idp, [_upstream]) with
        {
            Listen = Listen(null),
        });

        var untrusted = (await ExamineAsync(Listen($"https://localhost:{gateway.Url.Port}")))[1];
        var foreign = (await ExamineAsync(Listen($"https://127.0.0.1:{gateway.Url.Port}")))[1];

        Assert.False(untrusted.IsWell);
        Assert.Contains("no authority that this machine trusts", untrusted.Text, StringComparison.Ordinal);
        Assert.Contains(Fingerprint(), untrusted.Text, StringComparison.Ordinal);
        Assert.Contains("not for this name", foreign.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_does_not_run_yet_is_shown_by_its_file()
    {
        var finding = (await ExamineAsync(Listen("https://localhost:1")))[1];

        Assert.True(finding.IsWell, finding.Text);
        Assert.Contains("that of listen.tls", finding.Text, StringComparison.Ordinal);
        Assert.Contains(Fingerprint(), finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_is_told()
    {
        var finding = (await ExamineAsync(Listen("https://localhost:1") with { Tls = null }))[1];

        Assert.False(finding.IsWell);
        Assert.Contains("cannot be seen on port 1", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Something_else_than_TLS_is_told()
    {
        await using var plain = new FakeServer(e => e.RespondAsync(200, ""));

        var finding = (await ExamineAsync(Listen($"https://localhost:{plain.Url.Port}") with { Tls = null }))[1];

        Assert.False(finding.IsWell);
    }

    [Fact]
    public async Task A_certificate_near_its_end_is_a_finding()
    {
        var clock = new ManualTimeProvider(new DateTimeOffset(2169, 12, 25, 0, 0, 0, TimeSpan.Zero));
        var finding = (await ExamineAsync(Listen("https://localhost:1"), clock: clock))[1];

        Assert.False(finding.IsWell);
        Assert.Contains("in 7 days", finding.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://name.invalid", "does not resolve here")]
    [InlineData("http://10.0.0.1", "plain http")]
    public async Task What_the_client_refuses_is_told(string url, string expected)
    {
        var finding = (await ExamineAsync(Listen(url)))[0];

        Assert.False(finding.IsWell);
        Assert.Contains(expected, finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Declared_networks_the_client_cannot_use_are_told()
    {
        var finding = Assert.Single(await ExamineAsync(Listen("https://localhost:1"), ["10.0.0.0/8"]));

        Assert.Equal("gatewayInternalNetworks", finding.Subject);
        Assert.False(finding.IsWell);
    }

    [Fact]
    public async Task Without_a_public_url_there_is_nothing_to_look_at() =>
        Assert.Empty(await ExamineAsync(Listen(null)));

    public async ValueTask DisposeAsync()
    {
        _files.Dispose();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    private ListenConfig Listen(string? publicUrl) => new()
    {
        Host = "127.0.0.1",
        Port = 0,
        PublicUrl = publicUrl,
        Tls = new TlsConfig(_files.CertificatePath, _files.KeyPath),
    };

    private string Fingerprint()
    {
        using var certificate = _files.Load();
        return Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256));
    }

    private async Task<IReadOnlyList<Finding>> ExamineAsync(
        ListenConfig listen,
        IReadOnlyList<string>? networks = null,
        TimeProvider? clock = null) =>
        await new PublicUrlExamination(listen, networks ?? [], new ServerProbe(_trusted), clock ?? TimeProvider.System)
            .RunAsync(CancellationToken.None);
}
