namespace ClaudeGateway.Settings;

internal enum ProblemSeverity
{
    Error,
    Warning,
}

/// <summary>One thing wrong with a settings document of a policy, placed in gateway.yaml.</summary>
/// <param name="Pointer">RFC 6901 pointer from the document's root.</param>
/// <param name="Path">The same place as a configuration path, e.g.
/// <c>managed.policies[0].cli.permissions.deny[1]</c>.</param>
/// <param name="Position">Of the value, or of the nearest enclosing one the file has a position for; null without
/// any.</param>
/// <param name="Message">One line: what is wrong and what is allowed. Never the value itself, which may be a
/// secret.</param>
/// <param name="Suggestion">What was probably meant, or null.</param>
internal sealed record SettingsProblem(
    ProblemSeverity Severity,
    string Pointer,
    string Path,
    ConfigPosition? Position,
    string Message,
    string? Suggestion);
