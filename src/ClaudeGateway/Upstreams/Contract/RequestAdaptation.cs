namespace ClaudeGateway.Upstreams.Contract;

/// <summary>A request that an upstream refused and was sent again, once, without what it does not know.</summary>
/// <param name="Model">What the upstream calls it.</param>
/// <param name="Betas">The betas the second attempt went without.</param>
/// <param name="Fields">The fields it went without.</param>
/// <param name="LearntBeta">The beta that is known to be refused from now on; null as long as several may be.</param>
/// <param name="Status">What the upstream answered then; null when it gave no answer.</param>
internal sealed record RequestAdaptation(
    string Upstream, string Model, IReadOnlyList<string> Betas, IReadOnlyList<string> Fields, string? LearntBeta,
    int? Status);
