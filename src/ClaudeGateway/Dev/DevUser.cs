namespace ClaudeGateway.Dev;

/// <summary>Somebody who can sign in at the development identity provider.</summary>
/// <param name="Sub">The subject: for a typed user the e-mail address in lower case, so that it is the same next
/// time.</param>
internal sealed record DevUser(string Sub, string Email, string Name, IReadOnlyList<string> Groups)
{
    /// <summary>
    /// Offered on the sign-in page, one for each of the policies the development configuration writes.
    /// </summary>
    public static readonly IReadOnlyList<DevUser> Known =
    [
        new("ada", "ada@example.com", "Ada Lovelace", ["engineering"]),
        new("grace", "grace@example.com", "Grace Hopper", ["engineering", "gateway-admins"]),
        new("charles", "charles@example.com", "Charles Babbage", ["contractors"]),
    ];

    /// <summary>Reads what was typed; null with the sentence to show when it cannot be a user.</summary>
    public static DevUser? Read(string email, string name, string groups, out string problem)
    {
        email = email.Trim();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at == email.Length - 1 || at != email.LastIndexOf('@') || email.Length > 254
            || email.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            problem = "Enter an e-mail address such as name@example.com.";
            return null;
        }

        problem = "";
        var list = groups.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new DevUser(
            email.ToLowerInvariant(), email, name.Trim() is { Length: > 0 } given ? given : email[..at], list);
    }
}
