namespace ClaudeGateway.Spend;

/// <summary>How a developer was last seen, for the admin's lists: written when he asks for inference, never by sign-in alone.</summary>
/// <param name="SeenOn">The day; the store is told once a day, so that its record does not expire while he works.</param>
internal sealed record SpendIdentity(string Sub, string? Email, string? Name, IReadOnlyList<string> Groups, DateOnly SeenOn)
{
    public bool Equals(SpendIdentity? other) =>
        other is not null && SeenOn == other.SeenOn && Sub == other.Sub && Email == other.Email && Name == other.Name
        && (ReferenceEquals(Groups, other.Groups) || Groups.SequenceEqual(other.Groups, StringComparer.Ordinal));

    public override int GetHashCode() => HashCode.Combine(Sub, Email, Name, SeenOn);
}
