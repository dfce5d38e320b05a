using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// What served settings do to the managed settings that a machine has already (a file, MDM): Claude Code takes those
/// of one source, and a gateway's come before the machine's own.
/// </summary>
internal static class MachineWarnings
{
    private const string ParentSettings = "parentSettingsBehavior";

    /// <summary>Settings that keep whatever is not managed out, by the names they are written under.</summary>
    private static readonly string[][] Locks =
    [
        ["allowManagedPermissionRulesOnly"],
        ["allowManagedMcpServersOnly"],
        ["allowManagedHooksOnly"],
        ["sandbox", "network", "allowManagedDomainsOnly"],
        ["sandbox", "filesystem", "allowManagedReadPathsOnly"],
    ];

    public static IEnumerable<string> Of(ManagedConfig managed, string file)
    {
        var outcomes = new ManagedPolicies(managed, PushedSettings.Nothing).Outcomes
            .OrderBy(outcome => outcome.Selection.Index);
        foreach (var outcome in outcomes)
        {
            var index = outcome.Selection.Index;
            var policy = managed.Policies[index];
            var served = outcome.Document.Settings;
            if (outcome.Document.IsEmpty)
            {
                yield return At(
                    file,
                    policy,
                    index,
                    "serves empty settings, and these take the place of the managed settings that a machine has "
                        + "already (file, MDM): nothing of those stays in force. Repeat here what should, or set "
                        + "managedSourcesBehavior: merge");
            }

            if ((outcome.Desktop is not null || outcome.ServesDesktopSessions) && !served.ContainsKey(ParentSettings)
                && Array.Find(Locks, path => IsOn(served, path)) is { } found)
            {
                yield return At(
                    file,
                    policy,
                    index,
                    $"locks settings ({string.Join('.', found)}) and is served to Claude Desktop, but does not say "
                        + $"{ParentSettings}: what Claude Desktop hands to the sessions it starts (hosts they may "
                        + $"reach) is dropped on machines with managed settings. Set {ParentSettings}: merge here and "
                        + "in the machines' own managed settings, or first-wins if that is meant");
            }
        }
    }

    private static string At(string file, PolicyConfig policy, int index, string text) =>
        policy.Settings is { } document
        ? PolicyWarnings.At(file, document, "", "", text)
        : PolicyWarnings.At(file, policy, index, text);

    private static bool IsOn(JsonObject settings, string[] path)
    {
        JsonNode? node = settings;
        foreach (var name in path)
        {
            node = (node as JsonObject)?[name];
        }

        return node?.GetValueKind() == JsonValueKind.True;
    }
}
