namespace ClaudeGateway.Logging;

/// <summary>What an upstream said, for the operator's log: bounded, because an upstream may echo a request.</summary>
internal static class LogText
{
    private const int MaxLength = 1000;

    public static string Shorten(string text) => text.Length <= MaxLength ? text : text[..MaxLength] + "…";
}
