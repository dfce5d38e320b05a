using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace ClaudeGateway.Models;

/// <summary>
/// One model of the built-in catalogue and what each provider calls it (spec/inference.md and spec/clouds.md, model
/// ids).
/// </summary>
/// <param name="Id">The undated id; also what Foundry calls the model.</param>
/// <param name="AnthropicId">What the Anthropic API and Claude Platform on AWS are sent.</param>
/// <param name="BedrockId">The foundation model id, without a geography prefix.</param>
/// <param name="MantleId">Null where Mantle does not have the model.</param>
/// <param name="MaxInputTokens">Null where the window depends on more than the model.</param>
/// <param name="CanBeAskedForOneMillionTokens">Whether a model without a fixed window has one of a million tokens on
/// request.</param>
/// <param name="IsListed">Whether /v1/models shows it.</param>
/// <param name="IsOnGoogleCloud">Whether Claude on Google Cloud has it.</param>
internal sealed record BuiltInModel(
    string Id,
    string AnthropicId,
    string BedrockId,
    string VertexId,
    string? MantleId,
    int? MaxInputTokens,
    bool CanBeAskedForOneMillionTokens,
    bool IsListed,
    bool IsOnGoogleCloud)
{
    /// <summary>
    /// From when on Anthropic's own platforms refuse the model; null while no date is announced. Amazon and Google have
    /// dates of their own.
    /// </summary>
    public DateOnly? RetiresOn { get; init; }

    /// <summary>sonnet, opus, haiku or fable.</summary>
    public string Family { get; } = ModelFamilies.All.First(family => Id.Contains(family, StringComparison.Ordinal));

    /// <summary>The Bedrock id with the prefix of the geography that the catalogue accepts from clients.</summary>
    public string UsBedrockId { get; } = "us." + BedrockId;

    /// <summary>
    /// Whether the model has, or can be asked for, a window of a million tokens wherever it is served.
    /// </summary>
    public bool SupportsOneMillionTokens { get; } = MaxInputTokens == 1_000_000 || CanBeAskedForOneMillionTokens;

    /// <summary>Every id a client may ask for this model by; letter case does not matter.</summary>
    public IEnumerable<string> Forms =>
        new[] { Id, AnthropicId, UsBedrockId, VertexId, MantleId }.OfType<string>().Distinct();
}

/// <summary>The words that name a family of models.</summary>
internal static class ModelFamilies
{
    public static readonly string[] All = ["sonnet", "opus", "haiku", "fable"];
}

/// <summary>
/// The models every gateway knows without configuration, in the order /v1/models lists them: first the one of each tier
/// on which a client starts, then the families, newest first. <c>catalogue.json</c> beside this class is the data; a
/// new model is a line there.
/// </summary>
internal static class BuiltInModels
{
    public static readonly IReadOnlyList<BuiltInModel> All = Read();

    private static readonly FrozenDictionary<string, BuiltInModel> ByForm = All
        .SelectMany(model => model.Forms, (model, form) => (model, form))
        .ToFrozenDictionary(entry => entry.form, entry => entry.model, StringComparer.OrdinalIgnoreCase);

    /// <summary>The model an id names in any accepted form, or null.</summary>
    public static BuiltInModel? Find(string id) => ByForm.GetValueOrDefault(id);

    private static BuiltInModel[] Read()
    {
        const string File = "catalogue.json";
        using var stream = typeof(BuiltInModels).Assembly.GetManifestResourceStream(File)
            ?? throw new InvalidOperationException($"{File} is not embedded");
        using var json = JsonDocument.Parse(stream);
        return [.. json.RootElement.EnumerateArray().Select(Read)];
    }

    private static BuiltInModel Read(JsonElement row) => new(
        row.GetProperty("id").GetString()!,
        row.GetProperty("anthropic").GetString()!,
        row.GetProperty("bedrock").GetString()!,
        row.GetProperty("vertex").GetString()!,
        row.TryGetProperty("mantle", out var mantle) ? mantle.GetString() : null,
        row.TryGetProperty("max_input_tokens", out var window) ? window.GetInt32() : null,
        CanBeAskedForOneMillionTokens: row.TryGetProperty("one_million_on_request", out var onRequest)
        && onRequest.GetBoolean(),
        IsListed: !row.TryGetProperty("listed", out var listed) || listed.GetBoolean(),
        IsOnGoogleCloud: !row.TryGetProperty("google_cloud", out var google) || google.GetBoolean())
    {
        RetiresOn = row.TryGetProperty("retires", out var retires)
        ? DateOnly.ParseExact(retires.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture)
        : null,
    };
}
