namespace ClaudeGateway.Models;

/// <summary>A model as one developer's list shows it, whatever the format of the list.</summary>
/// <param name="Label">The operator's name for it, or null.</param>
/// <param name="MaxInputTokens">Null when it is not the same wherever the model may be sent.</param>
internal sealed record ListedModel(string Id, string? Label, string? Description, int? MaxInputTokens, bool SupportsOneMillionTokens);
