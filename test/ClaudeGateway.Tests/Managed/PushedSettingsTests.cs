using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Managed;
using ClaudeGateway.Models;

namespace ClaudeGateway.Tests.Managed;

public sealed class PushedSettingsTests
{
    private const string Collector =
        "telemetry: { forward_to: [{ url: \"https://otel.example.com\", logs: true }], resource_attributes: { a.b: "
            + "\"1\", c: d/e } }";

    [Fact]
    public void Telemetry_variables_lie_below_the_policy()
    {
        var served = PushedSettings.From(Policies.Config(Collector), [])
            .Under(Policies.Json("""{"env":{"OTEL_LOGS_EXPORTER":"none","X":"1"},"model":"m"}"""));

        AssertJson(
            """{"env":{"CLAUDE_CODE_ENABLE_TELEMETRY":"1","OTEL_METRICS_EXPORTER":"otlp","OTEL_LOGS_EXPORTER":"none","OTEL_TRACES_EXPORTER":"none","OTEL_EXPORTER_OTLP_ENDPOINT":"https://claude.example.com","OTEL_EXPORTER_OTLP_PROTOCOL":"http/protobuf","OTEL_RESOURCE_ATTRIBUTES":"a.b=1,c=d/e","X":"1"},"model":"m"}""",
            served);
    }

    [Fact]
    public void Nothing_is_pushed_without_a_collector_or_a_public_url()
    {
        var config = Policies.Config(Collector);

        Assert.Null(PushedSettings.From(config with { Listen = config.Listen with { PublicUrl = null } }, []).Env);
        Assert.Null(PushedSettings.From(Policies.Config("telemetry: { forward_to: [] }"), []).Env);
        Assert.Null(PushedSettings.From(Policies.Config(""), []).Env);
    }

    [Fact]
    public void The_temporality_asked_for_is_pushed_and_none_without_the_key()
    {
        const string name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        JsonObject Env(string key) => PushedSettings
            .From(Policies.Config($$"""telemetry: { forward_to: [{ url: "https://otel.example.com" }]{{key}} }"""), [])
            .Env!;

        Assert.Equal("cumulative", Env(", temporality: cumulative")[name]!.ToString());
        Assert.False(Env("").ContainsKey(name));
        Assert.Contains(
            Policies.Read("telemetry: { temporality: summed }").Errors,
            e => e.Contains("telemetry.temporality", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ temporality: cumulative }", true)]
    [InlineData(
        "{ temporality: cumulative, forward_to: [{ url: \"https://o.example.com\", metrics: false, logs: true }] }",
        true)]
    [InlineData("{ temporality: cumulative, forward_to: [{ url: \"https://o.example.com\" }] }", false)]
    public void A_temporality_nobody_is_sent_metrics_with_is_warned_about(string telemetry, bool warns) =>
        Assert.Equal(
            warns ? ["telemetry.temporality"] : [],
            Policies.Read($"telemetry: {telemetry}").Warnings.Select(warning => warning.Path));

    [Theory]
    [InlineData("https://otel.example.com/v1/metrics", true)]
    [InlineData("https://otel.example.com/otlp/v1/traces/", true)]
    [InlineData("https://otel.example.com/V1/Logs", true)]
    [InlineData("https://otel.example.com/v1", false)]
    [InlineData("https://otel.example.com/metrics", false)]
    public void A_collector_url_that_ends_in_a_signals_path_is_warned_about(string url, bool warns) =>
        Assert.Equal(
            warns ? ["telemetry.forward_to[0].url"] : [],
            Policies.Read($$"""telemetry: { forward_to: [{ url: "{{url}}" }] }""")
                .Warnings.Select(warning => warning.Path));

    [Fact]
    public void Labels_without_a_collector_are_warned_about() =>
        Assert.Equal(
            "telemetry.resource_attributes",
            Assert.Single(Policies.Read("telemetry: { resource_attributes: { a.b: \"1\" } }").Warnings).Path);

    [Fact]
    public void Prices_are_those_of_the_first_upstream_under_the_listed_id()
    {
        var catalog = new ModelCatalog(
            [new ModelConfig("mine", null, null, new Dictionary<string, string> { ["b"] = "arn:x" })],
            includeBuiltIns: true);
        PriceOverride Row(string upstream, string model, decimal input) => new(upstream, model, input, 8, 0.2m, 2.5m);
        var pricing = new PricingConfig(
            1.1m,
            [
                Row("a", "CLAUDE-haiku-4-5", 0.7m),
                Row("b", "claude-haiku-4-5", 1),
                Row("b", "claude-sonnet-4-6", 2),
                Row("b", "us.anthropic.claude-sonnet-4-6", 0.3m),
                Row("b", "mine", 4)]);

        var pushed = PricingPush.From(pricing, [
            new ModelPlacement(catalog.Find("claude-haiku-4-5")!, "a", "claude-haiku-4-5-20251001"),
            new ModelPlacement(catalog.Find("claude-sonnet-4-6")!, "b", "us.anthropic.claude-sonnet-4-6"),
            new ModelPlacement(catalog.Find("mine")!, "b", "arn:x"),
            new ModelPlacement(catalog.Find("claude-opus-5")!, "b", "us.anthropic.claude-opus-5"),
        ]);

        AssertJson(
            """{"multiplier":1.1,"overrides":{"claude-haiku-4-5-20251001":{"input":0.7,"output":8,"cacheRead":0.2,"cacheWrite":2.5},"claude-sonnet-4-6":{"input":0.3,"output":8,"cacheRead":0.2,"cacheWrite":2.5},"mine":{"input":4,"output":8,"cacheRead":0.2,"cacheWrite":2.5}}}""",
            pushed!);
    }

    [Fact]
    public void A_policys_own_prices_stand_alone()
    {
        var pushed = new PushedSettings(null, Policies.Json("""{"multiplier":2}"""));

        AssertJson("""{"modelPricing":{}}""", pushed.Under(Policies.Json("""{"modelPricing":{}}""")));
        AssertJson("""{"modelPricing":{"multiplier":2}}""", pushed.Under([]));
    }

    [Theory]
    [InlineData("1")]
    [InlineData(null)]
    public void A_price_list_that_changes_nothing_is_not_pushed(string? multiplier) =>
        Assert.Null(
            PricingPush.From(
                new PricingConfig(
                    multiplier is null
                    ? null
                    : decimal.Parse(multiplier, System.Globalization.CultureInfo.InvariantCulture),
                    []),
                []));

    private static void AssertJson(string expected, JsonObject actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), actual.ToJsonString());
}
