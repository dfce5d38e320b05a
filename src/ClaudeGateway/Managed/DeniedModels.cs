using System.Text.RegularExpressions;
using ClaudeGateway.Models;

namespace ClaudeGateway.Managed;

/// <summary>
/// A <c>deniedModels</c> list ready for matching (spec/newer.md). Unlike an allowlist it sees through spellings: every
/// form of a built-in id, and the upstream's name behind an operator's own id, so that renaming a model does not undo
/// the denial.
/// </summary>
internal sealed partial class DeniedModels
{
    private readonly string[] _families;
    private readonly string[] _names;

    public DeniedModels(IReadOnlyList<string> list)
    {
        var entries = list.Select(entry => ModelAccess.Normalise(entry.Trim())).Where(entry => entry.Length > 0)
            .ToArray();
        _families = [.. entries.Intersect(ModelFamilies.All)];
        _names = [
            .. entries.Except(ModelFamilies.All).SelectMany(entry => new[] { entry, Canonical(entry) }).Distinct()];
    }

    public bool Denies(string requested, CatalogModel? model)
    {
        // Padding, which the catalogue refuses in `model`, reaches an upstream in other members.
        if (DeniesName(ModelAccess.Normalise(requested.Trim())))
        {
            return true;
        }

        foreach (var (_, upstreamModel) in model?.Configured?.UpstreamModel ?? EmptyNames)
        {
            if (DeniesName(ModelAccess.Normalise(upstreamModel)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether an entry could deny any of the given models at all: one that cannot is a mistake the operator should
    /// hear of.
    /// </summary>
    public static bool CanDeny(string entry, ModelCatalog catalog)
    {
        var list = new DeniedModels([entry]);
        return catalog.All.Any(model => list.Denies(model.Id, model));
    }

    private static readonly Dictionary<string, string> EmptyNames = [];

    private bool DeniesName(string name)
    {
        var canonical = Canonical(name);
        foreach (var family in _families)
        {
            if (ModelAccess.ContainsWord(name, family))
            {
                return true;
            }
        }

        foreach (var entry in _names)
        {
            if (entry == name || entry == canonical || IsVersionPrefix(entry, canonical))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>"claude-opus-4" denies 4-1 and 4-8; "claude-opus", which names no version, denies nothing.</summary>
    private static bool IsVersionPrefix(string entry, string canonical) =>
        canonical.Length > entry.Length && canonical[entry.Length] == '-'
        && canonical.StartsWith(entry, StringComparison.Ordinal) && VersionedFamily().IsMatch(entry);

    /// <summary>
    /// The undated id inside any provider's spelling: "eu.anthropic.claude-opus-4-8", "opus-4-8" and
    /// "claude-opus-4-5@20251101" name claude-opus-4-8 and claude-opus-4-5.
    /// </summary>
    private static string Canonical(string name)
    {
        if (BuiltInModels.Find(name) is { } builtIn)
        {
            return builtIn.Id;
        }

        var at = name.LastIndexOf("claude-", StringComparison.Ordinal);
        var id = at >= 0 ? name[at..] : NamesFamily(name) ? "claude-" + name : name;
        return Suffix().Replace(id, "");
    }

    private static bool NamesFamily(string name) =>
        Array.Exists(ModelFamilies.All, family => ModelAccess.ContainsWord(name, family))
        && name.AsSpan().ContainsAnyInRange('0', '9');

    [GeneratedRegex("^claude-(sonnet|opus|haiku|fable)-[0-9]", RegexOptions.CultureInvariant)]
    private static partial Regex VersionedFamily();

    /// <summary>Date, revision and throughput marks after the id proper.</summary>
    [GeneratedRegex("(-v[0-9]+)?(@[0-9a-z]+)?(-20[0-9]{6})?(-v[0-9]+)?(:[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();
}
