using System.Text;
using ClaudeGateway.Json;

namespace ClaudeGateway.Logging;

internal enum LogLevel
{
    Debug,
    Info,
    Warn,
    Error,
}

/// <summary>
/// What the process does, for the people who run it: one line <c>[gateway] TIME LEVEL text</c> each on standard error.
/// Never pass a token, code, secret, prompt or claim value.
/// </summary>
internal sealed class OperationalLog(StderrLines lines, TimeProvider clock, LogLevel minimum)
{
    /// <summary>
    /// Reads CLAUDE_GATEWAY_LOG_LEVEL: debug, info, warn or error in any case; anything else is info.
    /// </summary>
    public static LogLevel LevelFromEnvironment(string? value) => value?.Trim().ToUpperInvariant() switch
    {
        "DEBUG" => LogLevel.Debug,
        "WARN" => LogLevel.Warn,
        "ERROR" => LogLevel.Error,
        _ => LogLevel.Info,
    };

    public bool IsDebugEnabled => minimum == LogLevel.Debug;

    public void Debug(string text) => Write(LogLevel.Debug, "debug", text);

    public void Info(string text) => Write(LogLevel.Info, "info", text);

    public void Warn(string text) => Write(LogLevel.Warn, "warn", text);

    public void Error(string text) => Write(LogLevel.Error, "error", text);

    /// <summary>Writes at any minimum level: orchestrators wait for this line.</summary>
    public void Always(string text) => WriteLine("info", text);

    /// <summary>Writes lines as they are, at any minimum level: for text that must catch the eye.</summary>
    public void Box(IEnumerable<string> rows) =>
        lines.Write(Encoding.UTF8.GetBytes(string.Concat(rows.Select(row => row + "\n"))));

    private void Write(LogLevel level, string word, string text)
    {
        if (level >= minimum)
        {
            WriteLine(word, text);
        }
    }

    private void WriteLine(string word, string text)
    {
        var time = Rfc3339.Milliseconds(clock.GetUtcNow());
        lines.Write(Encoding.UTF8.GetBytes($"[gateway] {time} {word} {OneLine(text)}\n"));
    }

    /// <summary>Text from outside must not be able to forge a second log line.</summary>
    private static string OneLine(string text) =>
        text.AsSpan().IndexOfAny('\r', '\n') < 0 ? text : text.ReplaceLineEndings(" ");
}
