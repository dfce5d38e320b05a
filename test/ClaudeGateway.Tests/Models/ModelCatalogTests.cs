using ClaudeGateway.Models;

namespace ClaudeGateway.Tests.Models;

public sealed class ModelCatalogTests
{
    [Theory]
    [InlineData("claude-opus-4-5", "claude-opus-4-5-20251101")]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929")]
    [InlineData("us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6")]
    [InlineData("anthropic.claude-opus-4-8", "claude-opus-4-8")]
    [InlineData("anthropic.claude-haiku-4-5", "claude-haiku-4-5-20251001")]
    [InlineData("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet-20241022")]
    [InlineData("CLAUDE-Opus-5", "claude-opus-5")]
    public void A_built_in_model_is_found_by_every_providers_name(string id, string anthropicId) =>
        Assert.Equal(anthropicId, BuiltInModels.Find(id)?.AnthropicId);

    [Theory]
    [InlineData("sonnet")]
    [InlineData("claude-opus-4-0")]
    [InlineData("claude-sonnet-4-6[1m]")]
    [InlineData(" claude-sonnet-4-6")]
    [InlineData("eu.anthropic.claude-sonnet-4-6")]
    [InlineData("anthropic.claude-sonnet-4-6")]
    [InlineData("us.anthropic.claude-sonnet-4-6-v1:0")]
    [InlineData("claude-sonnet-4-6-latest")]
    public void Other_spellings_are_unknown(string id) => Assert.Null(BuiltInModels.Find(id));

    [Fact]
    public void The_list_begins_with_the_default_of_each_tier() => Assert.Equal(
        [
            "claude-opus-4-6", "claude-sonnet-5-5", "claude-haiku-4-5-20251001", "claude-fable-5-2", "claude-fable-5-1",
            "claude-fable-5", "claude-opus-5-5", "claude-opus-5",
            "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-1-20250805", "claude-sonnet-5", "claude-sonnet-4-6",
            "claude-sonnet-4-5-20250929", "claude-haiku-5-5",
        ],
        BuiltInModels.All.Where(model => model.IsListed).Select(model => model.AnthropicId));

    [Fact]
    public void Every_window_is_one_the_API_has() =>
        Assert.All(
            BuiltInModels.All, model => Assert.Contains(model.MaxInputTokens, (int?[])[null, 200_000, 1_000_000]));

    [Fact]
    public void No_two_models_share_a_name() =>
        Assert.Equal(
            BuiltInModels.All.Sum(model => model.Forms.Count()),
            BuiltInModels.All.SelectMany(model => model.Forms).Distinct(StringComparer.OrdinalIgnoreCase).Count());

    [Fact]
    public void An_entry_named_by_one_form_governs_every_form()
    {
        var catalog = new ModelCatalog(
            [Entry("us.anthropic.claude-opus-4-8"), Entry("claude-opus-4-8")], includeBuiltIns: true);

        Assert.Equal("us.anthropic.claude-opus-4-8", catalog.Find("CLAUDE-OPUS-4-8")!.Configured!.Id);
    }

    [Fact]
    public void The_operators_models_are_listed_first_and_built_in_ones_they_name_are_not_repeated()
    {
        var listed = new ModelCatalog([Entry("corp"), Entry("claude-opus-5")], includeBuiltIns: true).Listed.Select(
            model => model.Id).ToArray();

        Assert.Equal(["corp", "claude-opus-5", "claude-opus-4-6"], listed[..3]);
        Assert.Single(listed, "claude-opus-5");
        Assert.Equal(16, listed.Length);
    }

    [Fact]
    public void Without_built_in_models_only_the_operators_exist()
    {
        var catalog = new ModelCatalog([Entry("corp")], includeBuiltIns: false);

        Assert.NotNull(catalog.Find("CORP"));
        Assert.Null(catalog.Find("claude-opus-5"));
    }

    private static ModelConfig Entry(string id) => new(id, null, null, new Dictionary<string, string>
    {
        ["anthropic"] = "x",
    });
}
