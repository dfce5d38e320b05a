using System.Diagnostics;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>What becomes of unwritten spend when the gateway is told to stop while the store is away.</summary>
public sealed class StopTests
{
    private static readonly TimeSpan LongDrain = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task A_store_that_comes_back_before_the_drain_is_over_gets_everything()
    {
        await using var server = await PostgresServer.StartAsync();
        var url = await server.CreateDatabaseAsync();
        await using var host = new SpendHost(url);
        var gateway = await host.StartAsync();
        await SpendInOutageAsync(host, gateway, server);

        var stopping = StopAsync(host, gateway);
        await server.StartServerAsync();
        await stopping.WaitAsync(Signal.Timeout);

        Assert.Equal(10 * 30, await StoreTroubleTests.StoredAsync(url));
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("are lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_that_was_silent_and_speaks_again_gets_everything()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(StoreTroubleTests.Through(relay, url));
        var gateway = await host.StartAsync();
        host.Spends(30);
        var bearer = host.Bearer("alice");
        relay.FallSilent();
        Assert.Equal(200, await host.SendAsync(bearer));
        await gateway.Log.LineAsync("spend: the store is away");

        var stopping = StopAsync(host, gateway);
        relay.SpeakAgain();
        await stopping.WaitAsync(Signal.Timeout);

        Assert.Equal(30, await StoreTroubleTests.StoredAsync(url));
    }

    [Fact]
    public async Task What_is_lost_when_the_store_stays_away_is_said_with_whose_and_how_much()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = new SpendHost(await server.CreateDatabaseAsync());
        var gateway = await host.StartAsync();
        await SpendInOutageAsync(host, gateway, server);
        host.Spends(3);
        Assert.Equal(200, await host.SendAsync(host.Bearer("bob")));

        var time = Stopwatch.StartNew();
        await host.StopAsync(gateway);

        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
        await gateway.Log.LineAsync("spend: 3.03 US dollars of 2 developers could not be written before stopping");
    }

    [Fact]
    public async Task A_second_signal_ends_the_waiting()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = new SpendHost(await server.CreateDatabaseAsync());
        var gateway = await host.StartAsync();
        await SpendInOutageAsync(host, gateway, server);
        using var second = new CancellationTokenSource();

        var stopping = gateway.App.StopAsync(TimeSpan.FromMinutes(10), second.Token);
        await second.CancelAsync();

        await stopping.WaitAsync(Signal.Timeout);
    }

    private static async Task StopAsync(SpendHost host, GatewayHost gateway)
    {
        await gateway.App.StopAsync(LongDrain);
        await host.StopAsync(gateway);
    }

    private static async Task SpendInOutageAsync(SpendHost host, GatewayHost gateway, PostgresServer server)
    {
        host.Spends(30);
        await server.StopServerAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(200, await host.SendAsync(host.Bearer("alice")));
        }

        await gateway.Log.LineAsync("spend: the store is away");
    }
}
