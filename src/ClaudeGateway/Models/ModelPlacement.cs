namespace ClaudeGateway.Models;

/// <summary>Where requests for a model go first, for everybody.</summary>
/// <param name="UpstreamModelId">What that upstream calls the model.</param>
internal sealed record ModelPlacement(CatalogModel Model, string Upstream, string UpstreamModelId);
