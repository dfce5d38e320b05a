namespace ClaudeGateway.Cli.Doctor;

/// <summary>What one question found out.</summary>
/// <param name="Subject">Who was asked, e.g. <c>upstream 'bedrock'</c>.</param>
/// <param name="Advice">What to grant or change; null when all is well.</param>
internal sealed record Finding(string Subject, bool IsWell, string Text, string? Advice = null)
{
    public static Finding Well(string subject, string text) => new(subject, true, text);

    public static Finding Ill(string subject, string text, string advice) => new(subject, false, text, advice);
}
