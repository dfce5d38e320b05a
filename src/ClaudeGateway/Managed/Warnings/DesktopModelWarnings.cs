using ClaudeGateway.Config;
using ClaudeGateway.Models;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// Models that Claude Desktop would be told of and refuses. It takes ids that name an Anthropic model and none of
/// another maker; one that it does not take makes the whole configuration unusable there ("is not an Anthropic model").
/// </summary>
internal static class DesktopModelWarnings
{
    private static readonly string[] Names = [.. ModelFamilies.All, "claude", "anthropic", "mythos"];

    public static IEnumerable<string> Of(GatewayConfig config, ModelCatalog catalog)
    {
        var desktops = new ManagedPolicies(config.Managed, PushedSettings.Nothing).Outcomes
            .Where(outcome => outcome.Desktop is not null).ToArray();
        foreach (var model in config.Models)
        {
            if (!Array.Exists(Names, name => model.Id.Contains(name, StringComparison.OrdinalIgnoreCase))
                && Array.Exists(
                    desktops,
                    outcome => outcome.Models.Check(model.Id, catalog.Find(model.Id)) == ModelVerdict.Allowed))
            {
                yield return $"{config.Path} models: '{model.Id}' is listed to Claude Desktop, which takes only "
                    + $"ids that name an Anthropic model ({string.Join(", ", Names)}) and refuses its whole "
                    + "configuration over another one: rename it (claude-…), or keep it from the policies with a "
                    + "desktop block by availableModels or deniedModels";
            }
        }
    }
}
