using ClaudeGateway.Config;
using ClaudeGateway.Managed;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Messages;

public sealed class ModelListingTests
{
    private static readonly Principal Alice = new("alice", null, null, []) { ExpiresAt = DateTimeOffset.MaxValue };

    [Theory]
    [InlineData("claude-opus-4-5", 200_000, false)]
    [InlineData("claude-opus-4-20250514", 200_000, false)]
    [InlineData("eu.anthropic.claude-opus-5", 1_000_000, true)]
    [InlineData("my-claude-opus-4-8-deploy", 1_000_000, true)]
    [InlineData(
        "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000, false)]
    [InlineData("claude-fable-5-1@default", 1_000_000, true)]
    [InlineData("claude-sonnet-4-6", null, true)]
    [InlineData("claude-sonnet-4-20250514", null, false)]
    [InlineData("claude-opus-4-10", null, false)]
    [InlineData("opus-4-8", null, false)]
    public void A_models_window_is_that_of_the_name_it_is_sent_by(string sentAs, int? window, bool supportsOneMillion)
    {
        var listed = List(new ModelConfig("house", null, null, new Dictionary<string, string> { ["a"] = sentAs }));

        Assert.Equal((window, supportsOneMillion), (listed.MaxInputTokens, listed.SupportsOneMillionTokens));
    }

    [Theory]
    [InlineData("claude-opus-5", "claude-haiku-4-5", 200_000, false)]
    [InlineData("claude-haiku-4-5", "claude-opus-5", 200_000, false)]
    [InlineData("claude-opus-5", "deployment", null, true)]
    [InlineData("claude-sonnet-4-6", "claude-opus-5", null, true)]
    [InlineData("claude-sonnet-4-6", "claude-haiku-4-5", null, false)]
    public void Of_several_upstreams_the_smallest_window_holds_if_all_are_known(
        string first, string second, int? window, bool supportsOneMillion)
    {
        var listed = List(new ModelConfig("house", null, null, new Dictionary<string, string>
        {
            ["a"] = first,
            ["b"] = second,
        }));

        Assert.Equal((window, supportsOneMillion), (listed.MaxInputTokens, listed.SupportsOneMillionTokens));
    }

    [Fact]
    public void A_built_in_model_under_an_unknown_name_keeps_only_what_its_id_tells()
    {
        var listed = List(new ModelConfig("claude-opus-4-7", null, null, new Dictionary<string, string>
        {
            ["a"] = "opaque",
            ["b"] = "opaque",
        }));

        Assert.Equal((null, true), (listed.MaxInputTokens, listed.SupportsOneMillionTokens));
    }

    private static ListedModel List(ModelConfig model)
    {
        using var handler = new SocketsHttpHandler();
        using var http = new OutboundClient(handler);
        Upstream Upstream(string name) => new AnthropicUpstream(
            new AnthropicUpstreamConfig { Name = name, Auth = new AnthropicAuth.ApiKey(new Secret("k")) }, http,
            TimeSpan.FromMinutes(1), TimeProvider.System, null!);
        var routes = new ModelRoutes(new ModelCatalog([model], includeBuiltIns: false), [Upstream("a"), Upstream("b")]);
        return Assert.Single(new ModelListing(routes, _ => ModelAccess.Unrestricted).For(Alice));
    }
}
