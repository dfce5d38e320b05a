using ClaudeGateway.Logging;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Boot;

public sealed class BootReportTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
    }

    [Theory]
    [InlineData("debug")]
    [InlineData("error")]
    public async Task Whatever_the_log_level_a_box_says_what_the_gateway_can_do_to_developers_machines(string level)
    {
        await using var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_upstream]), level: OperationalLog.LevelFromEnvironment(level));
        Assert.Contains(
            "can run commands",
            await gateway.Log.LineAsync("The settings this gateway serves"),
            StringComparison.Ordinal);
        var box = gateway.Log.Lines.SkipWhile(line => !line.StartsWith('┌'))
            .TakeWhile(line => line[0] is '┌' or '│' or '└').ToList();
        Assert.Equal(7, box.Count);
        Assert.Single(box.Select(line => line.Length).Distinct());
        Assert.Contains("must not be", string.Concat(box), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "upstream requests: no limit of the gateway's own")]
    [InlineData(1000, "upstream requests: at most 1000 at one time; further ones wait their turn")]
    public async Task The_limit_of_upstream_requests_is_told_as_it_is(int? most, string expected)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        await using var gateway = await GatewayHost.StartAsync(
            config with { Limits = config.Limits with { MaxUpstreamRequests = most } });
        await gateway.Log.LineAsync(expected);
    }

    [Fact]
    public async Task An_open_list_of_client_addresses_is_no_warning()
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        await using var gateway = await GatewayHost.StartAsync(
            config with { Listen = config.Listen with { PublicUrl = "https://gw.example.com" } });
        await gateway.Log.LineAsync("listening on");
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("allow_cidrs", StringComparison.Ordinal));
    }
}
