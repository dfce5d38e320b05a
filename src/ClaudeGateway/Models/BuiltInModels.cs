using System.Collections.Frozen;

namespace ClaudeGateway.Models;

/// <summary>One model of the built-in catalogue and what each provider calls it (spec/inference.md and spec/clouds.md, model ids).</summary>
/// <param name="Id">The undated id; also what Foundry calls the model.</param>
/// <param name="AnthropicId">What the Anthropic API and Claude Platform on AWS are sent.</param>
/// <param name="BedrockId">The foundation model id, without a geography prefix.</param>
/// <param name="MantleId">Null where Mantle does not have the model.</param>
/// <param name="MaxInputTokens">Null where the window depends on more than the model.</param>
/// <param name="IsListed">Whether /v1/models shows it.</param>
/// <param name="IsOnGoogleCloud">Whether Claude on Google Cloud has it.</param>
internal sealed record BuiltInModel(string Id, string AnthropicId, string BedrockId, string VertexId, string? MantleId, int? MaxInputTokens, bool IsListed, bool IsOnGoogleCloud)
{
    /// <summary>sonnet, opus, haiku or fable.</summary>
    public string Family { get; } = ModelFamilies.All.First(family => Id.Contains(family, StringComparison.Ordinal));

    /// <summary>The Bedrock id with the prefix of the geography that the catalogue accepts from clients.</summary>
    public string UsBedrockId { get; } = "us." + BedrockId;

    /// <summary>Whether the model has, or can be asked for, a window of a million tokens wherever it is served.</summary>
    public bool SupportsOneMillionTokens { get; } = MaxInputTokens == 1_000_000 || Id is "claude-opus-4-6" or "claude-sonnet-4-6";

    /// <summary>Every id a client may ask for this model by; letter case does not matter.</summary>
    public IEnumerable<string> Forms => new[] { Id, AnthropicId, UsBedrockId, VertexId, MantleId }.OfType<string>().Distinct();
}

/// <summary>The words that name a family of models.</summary>
internal static class ModelFamilies
{
    public static readonly string[] All = ["sonnet", "opus", "haiku", "fable"];
}

/// <summary>The models every gateway knows without configuration, in the order /v1/models lists them.</summary>
internal static class BuiltInModels
{
    private const int OneMillion = 1_000_000;

    public static readonly IReadOnlyList<BuiltInModel> All =
    [
        new("claude-opus-4-6", "claude-opus-4-6", "anthropic.claude-opus-4-6-v1", "claude-opus-4-6", null, null, true, true),
        Dated("claude-sonnet-4-5", "20250929"),
        Dated("claude-haiku-4-5", "20251001", maxInputTokens: 200_000, isOnMantle: true),
        Undated("claude-fable-5-2"),
        Undated("claude-fable-5-1"),
        Undated("claude-fable-5"),
        Undated("claude-opus-5-5"),
        Undated("claude-opus-5"),
        Undated("claude-opus-4-8"),
        Undated("claude-opus-4-7"),
        Dated("claude-opus-4-1", "20250805", maxInputTokens: 200_000, isOnGoogleCloud: false),
        Undated("claude-sonnet-5-5"),
        Undated("claude-sonnet-5"),
        new("claude-sonnet-4-6", "claude-sonnet-4-6", "anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", null, null, true, true),
        Undated("claude-haiku-5-5"),
        Dated("claude-opus-4", "20250514", maxInputTokens: 200_000, isListed: false, isOnGoogleCloud: false),
        Dated("claude-opus-4-5", "20251101", maxInputTokens: 200_000, isListed: false),
        Dated("claude-sonnet-4", "20250514", isListed: false, isOnGoogleCloud: false),
        new("claude-3-5-sonnet", "claude-3-5-sonnet-20241022", "anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet-v2@20241022", null, null, false, false),
        Dated("claude-3-5-haiku", "20241022", isListed: false, isOnGoogleCloud: false),
        Dated("claude-3-7-sonnet", "20250219", isListed: false, isOnGoogleCloud: false),
    ];

    private static readonly FrozenDictionary<string, BuiltInModel> ByForm = All
        .SelectMany(model => model.Forms, (model, form) => (model, form))
        .ToFrozenDictionary(entry => entry.form, entry => entry.model, StringComparer.OrdinalIgnoreCase);

    /// <summary>The model an id names in any accepted form, or null.</summary>
    public static BuiltInModel? Find(string id) => ByForm.GetValueOrDefault(id);

    /// <summary>A model of the newer kind: one id everywhere, also on Mantle.</summary>
    private static BuiltInModel Undated(string id) =>
        new(id, id, "anthropic." + id, id, "anthropic." + id, OneMillion, true, true);

    private static BuiltInModel Dated(string id, string date, int? maxInputTokens = null, bool isListed = true, bool isOnGoogleCloud = true, bool isOnMantle = false) =>
        new(id, $"{id}-{date}", $"anthropic.{id}-{date}-v1:0", $"{id}@{date}", isOnMantle ? "anthropic." + id : null, maxInputTokens, isListed, isOnGoogleCloud);
}
