using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// What is allowed in the policies but probably not meant (spec/config.md, Boot warnings; spec/policy.md, Do better),
/// for the boot log and <c>check</c>. Problems inside one document are the schema's; these need the other policies or
/// the models.
/// </summary>
internal static class PolicyWarnings
{
    public static IReadOnlyList<string> Of(GatewayConfig config)
    {
        if (config.Managed is not { Policies.Count: > 0 } managed)
        {
            return [];
        }

        var catalog = new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels);
        return
        [
            .. OrderWarnings.Of(managed, config.Path),
            .. ModelListWarnings.Of(managed, catalog, config.Path),
            .. SandboxWarnings.Of(managed, config.Path),
            .. MachineWarnings.Of(managed, config.Path),
            .. DesktopWarnings.Of(managed, config.Path),
            .. DesktopModelWarnings.Of(config, catalog),
        ];
    }

    /// <summary>
    /// A line as the other problems of the file are told, e.g. <c>gateway.yaml:12:7 managed.policies[0].cli.sandbox:
    /// …</c>.
    /// </summary>
    /// <param name="pointer">RFC 6901 pointer of the value inside the document; "" is the document.</param>
    internal static string At(string file, PolicyDocument document, string pointer, string path, string text)
    {
        var position = document.Positions.TryGetValue(pointer, out var found)
            ? found
            : document.Positions.GetValueOrDefault("");
        return new ConfigProblem(position, document.Path + path, text).Describe(file);
    }

    /// <summary>For what is wrong with a policy rather than with a value in it.</summary>
    internal static string At(string file, PolicyConfig policy, int index, string text) =>
        (policy.Settings ?? policy.Desktop) is { } document
        ? new ConfigProblem(document.Positions.GetValueOrDefault(""), $"managed.policies[{index}]", text).Describe(file)
        : $"{file} managed.policies[{index}]: {text}";
}
