using System.Reflection;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Sections.Upstreams;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams;
using Microsoft.Net.Http.Headers;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class ConfiguredHeadersTests
{
    /// <summary>Every name the framework knows: those it has rules for are among them.</summary>
    private static readonly string[] Names =
        [.. typeof(HeaderNames).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetValue(null)!).Where(UpstreamHeaders.IsName), "X-Own"];

    [Fact]
    public async Task Whatever_header_an_upstream_may_be_given_reaches_it()
    {
        await using var upstream = new FakeUpstream();
        using var calls = new CloudCalls();
        foreach (var name in Names.Where(name => UpstreamHeaders.NameProblem(name) is null))
        {
            using var http = calls.Client();
            var config = new AnthropicUpstreamConfig
            {
                Name = "a",
                BaseUrl = upstream.Url,
                Auth = new AnthropicAuth.ApiKey(new Secret("k")),
                Headers = new Dictionary<string, string> { [name] = "1" },
            };
            var anthropic = new AnthropicUpstream(
                config, http, TimeSpan.FromSeconds(30), TimeProvider.System, calls.Operational);

            using var answer = await anthropic.SendAsync(CloudCalls.Call("""{"model":"m"}"""), "m", default);

            Assert.Equal((name, "1"), (name, upstream.Requests[^1].Header(name)));
        }
    }

    [Theory]
    [InlineData("content-language")]
    [InlineData("Expires")]
    [InlineData("last-modified")]
    [InlineData("allow")]
    [InlineData("content-md5")]
    [InlineData("content-disposition")]
    [InlineData("content-location")]
    [InlineData("content-range")]
    public void A_header_of_the_body_is_none_of_an_upstreams(string name) =>
        Assert.Contains("describes the body", UpstreamHeaders.NameProblem(name), StringComparison.Ordinal);

    [Fact]
    public async Task Whatever_header_a_collector_may_be_given_it_takes_the_export()
    {
        await using var collector = new FakeCollector();
        using var calls = new CloudCalls();
        foreach (var name in Names)
        {
            using var http = calls.Client();
            var headers = new Dictionary<string, Secret> { [name] = new("1") };
            var destination = new TelemetryDestination { Url = collector.Url, Headers = headers };

            var answer = await new OtlpSender(destination, null, http, TimeProvider.System)
                .SendAsync(new OtlpExport(OtlpSignal.Metrics, [1], null, null), default);

            Assert.Equal((name, true), (name, answer.IsAccepted));
        }
    }
}
