using ClaudeGateway.Models;

namespace ClaudeGateway.Managed;

/// <summary>
/// An <c>availableModels</c> list ready for matching (spec/inference.md). Ids are compared as spelled: two forms of one
/// model are two ids here.
/// </summary>
internal sealed class AvailableModels
{
    private readonly string[] _families;
    private readonly Entry[] _entries;
    private readonly AvailableModelsMatch _match;

    public AvailableModels(IReadOnlyList<string> list, AvailableModelsMatch match)
    {
        var entries = list.Select(entry => ModelAccess.Normalise(entry.Trim())).Where(entry => entry.Length > 0)
            .Distinct().ToArray();
        var specific = entries.Except(ModelFamilies.All).ToArray();
        // A more precise entry of the same family narrows the list: ["sonnet", "claude-sonnet-4-6"] is only 4-6.
        _families = [
            .. ModelFamilies.All.Where(
                family => entries.Contains(family) && !specific.Any(entry => ModelAccess.ContainsWord(entry, family)))];
        _entries = [
            .. specific.SelectMany(
                entry => new[] { entry, "claude-" + entry }, (_, name) => new Entry(name, BuiltInModels.Find(name)))];
        _match = match;
    }

    public bool Allows(string requested)
    {
        var id = ModelAccess.Normalise(requested);
        foreach (var family in _families)
        {
            if (ModelAccess.ContainsWord(id, family))
            {
                return true;
            }
        }

        foreach (var entry in _entries)
        {
            if (Covers(entry, id))
            {
                return true;
            }
        }

        return false;
    }

    private bool Covers(Entry entry, string id)
    {
        if (!id.StartsWith(entry.Name, StringComparison.Ordinal))
        {
            return false;
        }

        return id.Length == entry.Name.Length
            || (id[entry.Name.Length] == '-'
                && (_match == AvailableModelsMatch.Prefix
                    || (entry.BuiltIn is not null && BuiltInModels.Find(id) == entry.BuiltIn)));
    }

    /// <param name="BuiltIn">The model the entry names, when it is a built-in one.</param>
    private sealed record Entry(string Name, BuiltInModel? BuiltIn);
}
