using ClaudeGateway.Config;
using ClaudeGateway.Messages;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Tests.Messages;

public sealed class FailoverLoopTests
{
    [Fact]
    public async Task An_upstream_that_says_nothing_is_given_up_when_the_clock_says_so()
    {
        await using var silent = new FakeServer(e => e.StallAsync());
        await using var next = new FakeUpstream();
        var clock = new ManualTimeProvider();
        using var calls = new CloudCalls(clock: clock);
        using var http = calls.Client();
        RouteTarget[] targets = [new(Anthropic("silent", silent.Url), "m"), new(Anthropic("next", next.Url), "m")];

        var running = new FailoverLoop(clock, calls.Operational)
            .RunAsync(CloudCalls.Call("""{"model":"m"}"""), targets);
        await silent.RequestCountAsync(1);
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(2));

        var outcome = await running.WaitAsync(Signal.Timeout);
        Assert.Equal(("next", 2), (outcome.Target?.Upstream.Name, outcome.Attempts));
        outcome.Response?.Dispose();

        AnthropicUpstream Anthropic(string name, Uri url)
        {
            var key = new AnthropicAuth.ApiKey(new Secret("k"));
            var config = new AnthropicUpstreamConfig { Name = name, BaseUrl = url, Auth = key };
            return new AnthropicUpstream(config, http, TimeSpan.FromMinutes(2), clock);
        }
    }
}
