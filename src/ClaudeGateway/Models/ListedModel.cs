namespace ClaudeGateway.Models;

/// <summary>A model as one developer's list shows it, whatever the format of the list.</summary>
/// <param name="Label">The operator's name for it, or null.</param>
/// <param name="MaxInputTokens">The smallest wherever the model may be sent; null when one of those is not
/// known.</param>
internal sealed record ListedModel(
    string Id, string? Label, string? Description, int? MaxInputTokens, bool SupportsOneMillionTokens);
