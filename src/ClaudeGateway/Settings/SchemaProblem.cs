namespace ClaudeGateway.Settings;

/// <summary>What the validator found at one place of a document, before it is placed in a file.</summary>
/// <param name="Expected">What may stand there, for kinds that several alternatives can be joined of ("a string", a
/// constant's text).</param>
internal sealed record SchemaProblem(
    ProblemSeverity Severity,
    JsonPlace Place,
    SchemaProblemKind Kind,
    string Message,
    string? Suggestion = null,
    IReadOnlyList<string>? Expected = null);

internal enum SchemaProblemKind
{
    Value,
    WrongType,
    WrongConstant,

    /// <summary>A key the schema does not know: what <c>unknown_settings: warn</c> lets through.</summary>
    UnknownKey,
}
