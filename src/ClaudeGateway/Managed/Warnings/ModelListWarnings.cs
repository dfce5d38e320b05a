using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Models;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>Model lists that refuse more, or less, than their author meant.</summary>
internal static class ModelListWarnings
{
    /// <summary>What Claude Code starts on when nobody has picked a model, and the alias that also names it.</summary>
    private const string DefaultModel = "claude-opus-4-7";
    private const string DefaultAlias = "opus";

    public static IEnumerable<string> Of(ManagedConfig managed, ModelCatalog catalog, string file)
    {
        var selector = new PolicySelector(managed.Policies, managed.PolicyMode);
        var merge = new PolicyMerge(managed.Schemas.Cli);
        for (var i = 0; i < selector.Reachable; i++)
        {
            if (managed.Policies[i].Settings is not { } document)
            {
                continue;
            }

            var own = PolicyDocuments.Settings(managed.Policies[i]);
            var served = merge.Fold(
                selector.Of(i).Layers.Select(layer => PolicyDocuments.Settings(managed.Policies[layer])));
            if (own.ContainsKey("availableModels") && Available(served) is { } problem)
            {
                yield return PolicyWarnings.At(file, document, "/availableModels", ".availableModels", problem);
            }

            foreach (var warning in Entries(own, catalog))
            {
                yield return PolicyWarnings.At(
                    file,
                    document,
                    $"/{warning.Key}/{warning.Index}",
                    $".{warning.Key}[{warning.Index}]",
                    warning.Text);
            }
        }
    }

    private static string? Available(JsonObject served)
    {
        var list = Names(served, "availableModels");
        var isExact = served["availableModelsMatch"]?.ToString() == "exact";
        if (list.Count == 0)
        {
            return "is empty: every request of these developers is refused";
        }

        var leavesOutDefault = ModelAccess.From(list, null, AvailableModelsMatch.Prefix).Check(DefaultModel,
            null) != ModelVerdict.Allowed;
        return leavesOutDefault && !isExact && !served.ContainsKey("model")
            && served["enforceAvailableModels"]?.GetValueKind() != JsonValueKind.True
            ? $"leaves out {DefaultModel} (alias {DefaultAlias}), on which Claude Code starts: requests are refused "
                + "until the developer picks another model. Set model, or enforceAvailableModels: true, or list it"
            : null;
    }

    private static IEnumerable<(string Key, int Index, string Text)> Entries(JsonObject own, ModelCatalog catalog)
    {
        foreach (var (entry, i) in Names(own, "deniedModels").Select((entry, i) => (entry, i)))
        {
            if (!DeniedModels.CanDeny(entry, catalog))
            {
                yield return (
                    "deniedModels",
                    i,
                    "matches no model of this gateway, so it denies nothing; write an alias (opus), an id, or an id's "
                        + "beginning with its version (claude-opus-4)");
            }
        }

        foreach (var (entry, i) in Names(own, "availableModels").Select((entry, i) => (entry, i)))
        {
            var one = ModelAccess.From([entry], null, AvailableModelsMatch.Prefix);
            if (!catalog.All.SelectMany(Ids).Any(id => one.Check(id.Id, id.Model) == ModelVerdict.Allowed))
            {
                yield return ("availableModels", i, "matches no model of this gateway");
            }
        }
    }

    private static IEnumerable<(string Id, CatalogModel Model)> Ids(CatalogModel model) =>
        (model.BuiltIn?.Forms ?? []).Append(model.Id).Select(id => (id, model));

    private static List<string> Names(JsonObject settings, string key) =>
        settings[key] is JsonArray list ? [.. list.OfType<JsonValue>().Select(name => name.ToString())] : [];
}
