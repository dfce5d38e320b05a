using ClaudeGateway.Sessions;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// How a developer was last seen, for the admin's lists: written when he asks for inference, never by sign-in alone.
/// </summary>
/// <param name="SeenOn">The day; the store is told once a day, so that its record does not expire while he
/// works.</param>
internal sealed record SpendIdentity(
    string Sub, string? Email, string? Name, IReadOnlyList<string> Groups, DateOnly SeenOn)
{
    public static SpendIdentity Of(Principal principal, string sub, DateOnly today) => new(
        sub,
        principal.Email is { } email ? StoredText.Of(email) : null,
        principal.Name is { } name ? StoredText.Of(name) : null,
        principal.Groups,
        today)
    {
        Source = principal,
    };

    /// <summary>The claims this was made of.</summary>
    private Principal? Source { get; init; }

    /// <summary>Whether there is nothing new about this developer today.</summary>
    public bool Matches(Principal principal, DateOnly today) =>
        SeenOn == today && Source is not null && (ReferenceEquals(Source, principal) || IsSame(Source, principal));

    private static bool IsSame(Principal left, Principal right) =>
        string.Equals(left.Email, right.Email, StringComparison.Ordinal)
        && string.Equals(left.Name, right.Name, StringComparison.Ordinal)
        && (ReferenceEquals(left.Groups, right.Groups)
            || left.Groups.SequenceEqual(right.Groups, StringComparer.Ordinal));
}
