using ClaudeGateway.Config;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Tests.Messages;

public sealed class ModelRoutesTests
{
    private const string Outside =
        "you aren't in a group that can use this gateway. Ask your administrator to add you to one";

    [Theory]
    [InlineData("nobody-knows", "", Outside)]
    [InlineData("claude-opus-5", "", Outside)]
    [InlineData("nobody-knows", "eng", "model nobody-knows is not in the operator's model allowlist")]
    [InlineData("house", "eng", "model house is not in the operator's model allowlist")]
    [InlineData("nobody-knows", "ops", "model nobody-knows is not served by upstream 'haikus'")]
    [InlineData("claude-opus-5", "ops", "model claude-opus-5 is not served by upstream 'haikus'")]
    [InlineData(
        "house",
        "eng ops",
        "model house has no upstream_model.all configured; model house is not served by upstream 'haikus'")]
    public void A_model_that_can_be_sent_nowhere_is_explained(string id, string groups, string why)
    {
        using var handler = new SocketsHttpHandler();
        using var http = new OutboundClient(handler);
        var routes = Routes(http);
        var developer = new Principal("alice", null, null, groups.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            ExpiresAt = DateTimeOffset.MaxValue,
        };

        Assert.Equal(why, routes.WhyNone(id, id, routes.Find(id), developer));
    }

    [Theory]
    [InlineData("claude-haiku-4-5", "all haikus")]
    [InlineData("CLAUDE-HAIKU-4-5-20251001", "all haikus")]
    [InlineData("us.anthropic.claude-haiku-4-5-20251001-v1:0", "all")]
    [InlineData("claude-opus-5", "all")]
    public void A_pattern_takes_the_ids_it_matches_as_clients_write_them(string id, string upstreams)
    {
        using var handler = new SocketsHttpHandler();
        using var http = new OutboundClient(handler);

        Assert.Equal(upstreams, string.Join(' ',
            Routes(http).Find(id)!.Targets.Select(target => target.Upstream.Name)));
    }

    private static ModelRoutes Routes(OutboundClient http)
    {
        AnthropicUpstream Upstream(string name, string group, params string[]? models) => new(
            new AnthropicUpstreamConfig
            {
                Name = name,
                Groups = [group],
                Models = models,
                Auth = new AnthropicAuth.ApiKey(new Secret("k"))
            }, http, TimeSpan.FromMinutes(1), TimeProvider.System, null!);
        var house = new ModelConfig("house", null, null, new Dictionary<string, string> { ["haikus"] = "x" });
        return new ModelRoutes(
            new ModelCatalog([house], includeBuiltIns: true),
            [Upstream("all", "eng", null), Upstream("haikus", "ops", "claude-haiku-*")]);
    }
}
