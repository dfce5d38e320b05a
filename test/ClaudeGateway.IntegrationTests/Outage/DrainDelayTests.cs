using System.Net;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Outage;

public sealed class DrainDelayTests : IAsyncLifetime
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly ManualTimeProvider _clock = new();
    private GatewayHost _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        _gateway = await GatewayHost.StartAsync(
            config with { Listen = config.Listen with { DrainDelay = TimeSpan.FromSeconds(60) } }, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
    }

    [Fact]
    public async Task A_stopping_gateway_is_not_ready_but_serves_until_the_delay_is_over()
    {
        var stop = _gateway.App.StopAsync(TimeSpan.FromSeconds(1));

        using var ready = await _gateway.GetAsync("/readyz");
        using var health = await _gateway.GetAsync("/healthz");
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "stopping"),
            (ready.StatusCode, await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.False(stop.IsCompleted);

        _clock.Advance(TimeSpan.FromSeconds(60));
        await stop.WaitAsync(Signal.Timeout, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HttpRequestException>(() => _gateway.GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_second_signal_ends_the_delay()
    {
        using var second = new CancellationTokenSource();
        var stop = _gateway.App.StopAsync(TimeSpan.FromSeconds(1), second.Token);

        await second.CancelAsync();

        await stop.WaitAsync(Signal.Timeout, TestContext.Current.CancellationToken);
    }
}
