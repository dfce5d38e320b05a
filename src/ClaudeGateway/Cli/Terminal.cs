namespace ClaudeGateway.Cli;

internal static class Terminal
{
    /// <summary>Text of a server must not move the cursor or colour the terminal.</summary>
    public static string Printable(string? text) =>
        string.Concat((text ?? "").Select(c => char.IsControl(c) ? ' ' : c));
}
