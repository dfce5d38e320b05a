using System.Text.Json.Nodes;

namespace ClaudeGateway.Managed;

/// <summary>
/// Everything the policies give to the developers one <see cref="PolicySelection"/> stands for, prepared once.
/// </summary>
/// <param name="IsCode">The file's blocks are under <c>code</c>: Claude Desktop's Code tab is served too.</param>
/// <param name="ServesDesktopSessions">Whether Claude Code sessions inside Claude Desktop are served the
/// settings.</param>
/// <param name="Desktop">The merged and normalised <c>desktop</c> blocks; null when none of the policies has
/// one.</param>
internal sealed record PolicyOutcome(
    PolicySelection Selection,
    SettingsDocument Document,
    bool IsCode,
    bool ServesDesktopSessions,
    ModelAccess Models,
    JsonObject? Desktop);
