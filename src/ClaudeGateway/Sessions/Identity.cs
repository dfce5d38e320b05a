namespace ClaudeGateway.Sessions;

/// <summary>Who signed in, as the IdP's claims were mapped; what a bearer is minted from.</summary>
/// <param name="Groups">Empty when the IdP names none.</param>
internal sealed record Identity(string Sub, string? Email, string? Name, IReadOnlyList<string> Groups);
