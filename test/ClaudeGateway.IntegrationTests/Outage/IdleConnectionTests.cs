using System.Diagnostics;
using System.Text;
using ClaudeGateway.IntegrationTests.Messages;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Outage;

/// <summary>A connection that a load balancer keeps between two requests.</summary>
public sealed class IdleConnectionTests
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n");

    [Fact]
    public async Task It_is_closed_when_the_configured_time_is_over_and_not_before()
    {
        await using var scene = await Scene.StartAsync(
            config => config with { Listen = config.Listen with { KeepAlive = TimeSpan.FromSeconds(1) } });
        using var client = scene.Connect();
        await client.SendAsync(Request);
        await client.UntilAsync("ok");
        // The server's own clock, which is real and looks once a second.
        var idle = Stopwatch.StartNew();

        await client.ToEndAsync();

        Assert.InRange(idle.Elapsed, TimeSpan.FromSeconds(0.9), Signal.Timeout / 2);
    }

    [Fact]
    public async Task A_gateway_that_stops_closes_it_at_once()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();
        await client.SendAsync(Request);
        await client.UntilAsync("ok");

        var stop = scene.Gateway.App.StopAsync(Signal.Timeout * 2);
        await client.ToEndAsync();

        await stop.WaitAsync(Signal.Timeout / 2);
    }
}
