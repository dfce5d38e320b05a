using ClaudeGateway.Models;
using ClaudeGateway.Spend.Prices;

namespace ClaudeGateway.Tests.Spend;

public sealed class ModelVersionTests
{
    [Theory]
    [InlineData("claude-opus-4-8", "opus", 4, 8)]
    [InlineData("my-claude-opus-4-8-deploy", "opus", 4, 8)]
    [InlineData("us.anthropic.claude-opus-4-1-20250805-v1:0", "opus", 4, 1)]
    [InlineData("claude-opus-4-20250514", "opus", 4, 0)]
    [InlineData("claude-opus-4@20250514", "opus", 4, 0)]
    [InlineData("claude-opus-4-0", "opus", 4, 0)]
    [InlineData("claude-opus-4.1", "opus", 4, 1)]
    [InlineData("claude-opus-4-1x", "opus", 4, 1)]
    [InlineData("CLAUDE-OPUS-4-10", "opus", 4, 10)]
    [InlineData("claude-sonnet-5-5@default", "sonnet", 5, 5)]
    [InlineData("claude-sonnet-4-6[1m]", "sonnet", 4, 6)]
    [InlineData("claude-3-5-sonnet-v2@20241022", "sonnet", 3, 5)]
    [InlineData("claude-3-7-sonnet-latest", "sonnet", 3, 7)]
    [InlineData(
        "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0", "haiku", 4, 5)]
    public void Is_found_inside_whatever_an_upstream_calls_the_model(string text, string family, int major,
        int minor) =>
        Assert.Equal(new ModelVersion(family, major, minor), ModelVersion.Find(text));

    [Theory]
    [InlineData("sonnet-4-6")]
    [InlineData("claude-sonnet-3-5")]
    [InlineData("claude-3-opus-20240229")]
    [InlineData("claude-4-opus")]
    [InlineData("claude-opus")]
    [InlineData("gpt-oss-1")]
    [InlineData("claude_opus_4_8")]
    public void Is_not_guessed_from_less_than_a_name(string text) => Assert.Null(ModelVersion.Find(text));

    [Fact]
    public void Every_spelling_of_a_built_in_model_is_the_whole_of_one_version() =>
        Assert.All(
            BuiltInModels.All,
            model =>
                Assert.Single(model.Forms.Select(ModelVersion.FindWhole).Distinct(), version => version is not null));

    [Theory]
    [InlineData("eu.anthropic.claude-opus-4-8", true)]
    [InlineData("claude-haiku-4-5@20251001", true)]
    [InlineData("my-claude-opus-4-8-deploy", false)]
    [InlineData("claude-opus-4-8-deploy", false)]
    public void A_deployment_that_only_contains_the_name_is_not_the_model(string text, bool isWhole) =>
        Assert.Equal(isWhole, ModelVersion.FindWhole(text) is not null);
}
