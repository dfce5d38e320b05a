using ClaudeGateway.Models;

namespace ClaudeGateway.Managed;

/// <summary>How an entry of <c>availableModels</c> covers ids.</summary>
internal enum AvailableModelsMatch
{
    /// <summary>The id itself and every longer one after a "-".</summary>
    Prefix,

    /// <summary>The id itself and the dated id of the same model.</summary>
    Exact,
}

/// <summary>What a policy says about one requested model.</summary>
internal enum ModelVerdict
{
    Allowed,
    Denied,
    NotAvailable,
}

/// <summary>
/// The models one policy allows: <c>deniedModels</c> first, then <c>availableModels</c> (spec/inference.md,
/// availableModels matching; spec/newer.md, deniedModels). Immutable, prepared once per policy.
/// </summary>
internal sealed class ModelAccess
{
    public static readonly ModelAccess Unrestricted = new(null, null, AvailableModelsMatch.Prefix);

    private readonly AvailableModels? _available;
    private readonly DeniedModels? _denied;

    private ModelAccess(
        IReadOnlyList<string>? availableModels, IReadOnlyList<string>? deniedModels, AvailableModelsMatch match)
    {
        _available = availableModels is null ? null : new AvailableModels(availableModels, match);
        _denied = deniedModels is null or { Count: 0 } ? null : new DeniedModels(deniedModels);
    }

    /// <param name="availableModels">Null allows every model, an empty list none.</param>
    /// <param name="deniedModels">Null or empty denies none; an empty one is a list all the same (measured on 2.1.332:
    /// models below the request's own are looked at).</param>
    public static ModelAccess From(
        IReadOnlyList<string>? availableModels, IReadOnlyList<string>? deniedModels, AvailableModelsMatch match) =>
        availableModels is null && deniedModels is null
        ? Unrestricted
        : new ModelAccess(availableModels, deniedModels, match);

    /// <summary>Whether the policy has neither list: then no model needs to be looked at.</summary>
    public bool IsUnrestricted => ReferenceEquals(this, Unrestricted);

    /// <param name="id">As the client sent it.</param>
    /// <param name="model">What the catalogue knows under that id, or null.</param>
    public ModelVerdict Check(string id, CatalogModel? model)
    {
        if (_denied is not null && _denied.Denies(id, model))
        {
            return ModelVerdict.Denied;
        }

        return _available is null || _available.Allows(id) ? ModelVerdict.Allowed : ModelVerdict.NotAvailable;
    }

    /// <summary>
    /// The form in which entries and ids are compared: lower case, without the client's long-context mark.
    /// </summary>
    internal static string Normalise(string id)
    {
        var lower = id.AsSpan().ContainsAnyInRange('A', 'Z') ? id.ToLowerInvariant() : id;
        return lower.EndsWith("[1m]", StringComparison.Ordinal) ? lower[..^4] : lower;
    }

    /// <summary>
    /// Whether <paramref name="word"/> stands in <paramref name="text"/> with neither an ASCII letter nor a digit
    /// beside it.
    /// </summary>
    internal static bool ContainsWord(string text, string word) =>
        Words.Contains(text, word, char.IsAsciiLetterOrDigit);
}
