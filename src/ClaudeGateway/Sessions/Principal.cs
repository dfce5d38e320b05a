namespace ClaudeGateway.Sessions;

/// <summary>The signed-in developer, as the bearer's claims name them (spec/auth.md, JWT).</summary>
/// <param name="Sub">The IdP's subject; never empty.</param>
/// <param name="Groups">Exact names in the token's order; empty when the token has none.</param>
internal sealed record Principal(string Sub, string? Email, string? Name, IReadOnlyList<string> Groups)
{
    /// <summary>When the bearer expires.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}
