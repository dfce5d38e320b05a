namespace ClaudeGateway.Models;

/// <summary>A model developers may request.</summary>
/// <param name="Id">The id /v1/models lists.</param>
/// <param name="BuiltIn">Null for a model only the operator knows.</param>
/// <param name="Configured">The operator's entry that governs it, or null.</param>
internal sealed record CatalogModel(string Id, BuiltInModel? BuiltIn, ModelConfig? Configured);

/// <summary>
/// Which models exist here: the operator's <c>models</c> and, unless switched off, the built-in ones
/// (spec/inference.md, routing and /v1/models). Ids match without regard to letter case; an entry named by one form of
/// a built-in id governs every form of it.
/// </summary>
internal sealed class ModelCatalog
{
    private readonly Dictionary<string, CatalogModel> _byId = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<CatalogModel> _listed = [];

    public ModelCatalog(IReadOnlyList<ModelConfig> configured, bool includeBuiltIns)
    {
        foreach (var entry in configured)
        {
            var model = new CatalogModel(entry.Id, BuiltInModels.Find(entry.Id), entry);
            _listed.Add(model);
            foreach (var form in model.BuiltIn?.Forms ?? [entry.Id])
            {
                _byId.TryAdd(form, model);
            }
        }

        if (includeBuiltIns)
        {
            AddBuiltIns(configured);
        }
    }

    /// <summary>In the order of /v1/models: the operator's first, then the built-in ones they do not name.</summary>
    public IReadOnlyList<CatalogModel> Listed => _listed;

    /// <summary>Every requestable model once, listed or not.</summary>
    public IEnumerable<CatalogModel> All => _byId.Values.Distinct();

    /// <summary>Every requestable id in the catalogue's spelling, and the model it names.</summary>
    public IEnumerable<KeyValuePair<string, CatalogModel>> Forms => _byId;

    public CatalogModel? Find(string id) => _byId.GetValueOrDefault(id);

    private void AddBuiltIns(IReadOnlyList<ModelConfig> configured)
    {
        var named = configured.Select(entry => entry.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var builtIn in BuiltInModels.All)
        {
            var model = new CatalogModel(builtIn.AnthropicId, builtIn, null);
            if (builtIn.IsListed && !named.Contains(builtIn.AnthropicId))
            {
                // Not named in exactly this spelling: the reference lists both.
                _listed.Add(
                    _byId.GetValueOrDefault(builtIn.AnthropicId) is { } governing
                    ? model with { Configured = governing.Configured }
                    : model);
            }

            foreach (var form in builtIn.Forms)
            {
                _byId.TryAdd(form, model);
            }
        }
    }
}
