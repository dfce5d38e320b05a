namespace ClaudeGateway.Models;

/// <summary>One entry of <c>models</c>: an id developers may request and what each upstream calls it.</summary>
/// <param name="UpstreamModel">Keyed by upstream name; at least one entry.</param>
internal sealed record ModelConfig(
    string Id, string? Label, string? Description, IReadOnlyDictionary<string, string> UpstreamModel)
{
    /// <summary>Whether token counts for it are estimated here and no upstream is asked.</summary>
    public bool EstimatesTokenCounts { get; init; }
}
