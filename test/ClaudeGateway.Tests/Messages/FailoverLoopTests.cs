using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Messages;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Models;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Messages;

public sealed class FailoverLoopTests
{
    private static readonly InferenceMeters Meters = new(new GatewayMeter(), new GroupLabels([]));

    [Fact]
    public async Task An_upstream_that_says_nothing_is_given_up_when_the_clock_says_so()
    {
        await using var silent = new FakeServer(e => e.StallAsync());
        await using var next = new FakeUpstream();
        var clock = new ManualTimeProvider();
        using var calls = new CloudCalls(clock: clock);
        using var http = calls.Client();
        RouteTarget[] targets = [new(Anthropic("silent", silent.Url), "m"), new(Anthropic("next", next.Url), "m")];

        var running = new FailoverLoop(Meters, clock, calls.Operational)
            .RunAsync(CloudCalls.Call("""{"model":"m"}"""), targets);
        await silent.RequestCountAsync(1);
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(2));

        var outcome = await running.WaitAsync(Signal.Timeout);
        Assert.Equal(("next", 2), (outcome.Target?.Upstream.Name, outcome.Attempts));
        outcome.Response?.Dispose();

        AnthropicUpstream Anthropic(string name, Uri url) =>
            new(Config(name, url), http, TimeSpan.FromMinutes(2), clock, calls.Operational);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_region_that_makes_no_URL_means_the_next_upstream(bool isCounting)
    {
        var operation = isCounting ? MessagesOperation.CountTokens : MessagesOperation.CreateMessage;
        await using var next = new FakeUpstream();
        using var calls = new CloudCalls();
        using var http = calls.Client();
        var bedrock = new BedrockUpstreamConfig
        {
            Name = "oddly spelled",
            Region = "US East",
            Auth = new AwsAuth { BearerToken = new Secret("b") },
        };
        var vertex = new VertexUpstreamConfig
        {
            Name = "oddly spelled too",
            Region = "us east",
            ProjectId = "p",
            Auth = new GoogleAuth(null, new Secret("t")),
        };
        var clock = TimeProvider.System;

        var outcome = await new FailoverLoop(Meters, clock, calls.Operational).RunAsync(
            CloudCalls.Call("""{"model":"m","messages":[]}""", operation),
            [
                new RouteTarget(new BedrockUpstream(bedrock, calls.Context()), "m"),
                new RouteTarget(new VertexUpstream(vertex, calls.Context()), "m"),
                new RouteTarget(
                    new AnthropicUpstream(
                        Config("next", next.Url), http, TimeSpan.FromMinutes(2), clock, calls.Operational),
                    "m"),
            ]);

        Assert.Equal(("next", 3), (outcome.Target?.Upstream.Name, outcome.Attempts));
        outcome.Response?.Dispose();
    }

    [Theory]
    [InlineData(typeof(UpstreamUnavailableException))]
    [InlineData(typeof(HttpRequestException))]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task Whatever_fails_once_the_client_has_left_it_is_the_client_that_left(Type failure)
    {
        using var calls = new CloudCalls();
        using var client = new CancellationTokenSource();
        var call = CloudCalls.Call("""{"model":"m"}""");
        call.Request.Http.RequestAborted = client.Token;
        var upstream = new Failing(() =>
        {
            client.Cancel();
            call.IsSent = true;
            return (Exception)Activator.CreateInstance(failure)!;
        });

        var outcome = await new FailoverLoop(Meters, TimeProvider.System, calls.Operational)
            .RunAsync(call, [new RouteTarget(upstream, "m"), new RouteTarget(upstream, "m")]);

        Assert.True(outcome.IsAbandoned);
        Assert.Equal((1, upstream), (outcome.Attempts, outcome.Target?.Upstream));
    }

    private static AnthropicUpstreamConfig Config(string name, Uri url) =>
        new() { Name = name, BaseUrl = url, Auth = new AnthropicAuth.ApiKey(new Secret("k")) };

    private sealed class Failing(Func<Exception> fail) : Upstream(Config("failing", new Uri("http://127.0.0.1:1")))
    {
        public override string? BuiltInModelId(BuiltInModel model) => null;

        public override TimeSpan? FirstByteTimeout(UpstreamCall call) => null;

        public override Task<UpstreamResponse> SendAsync(
            UpstreamCall call, string modelId, CancellationToken cancellation) =>
            Task.FromException<UpstreamResponse>(fail());
    }
}
