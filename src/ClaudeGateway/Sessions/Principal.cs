namespace ClaudeGateway.Sessions;

/// <summary>The signed-in developer, as the bearer's claims name them (spec/auth.md, JWT).</summary>
/// <param name="Sub">The IdP's subject; never empty.</param>
/// <param name="Groups">Exact names in the token's order; empty when the token has none.</param>
internal sealed record Principal(string Sub, string? Email, string? Name, IReadOnlyList<string> Groups)
{
    /// <summary>When the bearer expires.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset IssuedAt { get; init; }

    /// <summary>The bearer's <c>jti</c>; made of subject and time for one minted by the reference.</summary>
    public string? TokenId { get; init; }

    /// <summary>
    /// The sign-in the bearer and its successors come from (<c>sid</c>); null in one minted by the reference.
    /// </summary>
    public string? SessionId { get; init; }

    /// <summary>
    /// The subject that signed in, when <see cref="Sub"/> is one that a load test made up; else null.
    /// </summary>
    public string? PlayedBy { get; init; }
}
