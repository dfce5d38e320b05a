using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>An upstream that can serve a model, and what it calls it.</summary>
internal sealed record RouteTarget(Upstream Upstream, string ModelId);

/// <summary>Where requests for one model may go.</summary>
/// <param name="Targets">In configured order; upstreams that cannot serve the model are left out.</param>
internal sealed record ModelRoute(CatalogModel Model, IReadOnlyList<RouteTarget> Targets);

/// <summary>
/// Which upstreams serve which model for whom, worked out at boot (spec/inference.md, Routing and failover;
/// spec/newer.md, upstreams[].groups and upstreams[].models).
/// </summary>
internal sealed class ModelRoutes
{
    private readonly ModelCatalog _catalog;
    private readonly IReadOnlyList<Upstream> _upstreams;
    private readonly Dictionary<string, ModelRoute> _routes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ModelRoute> _byForm = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool _isForEveryone;

    public ModelRoutes(ModelCatalog catalog, IReadOnlyList<Upstream> upstreams)
    {
        _catalog = catalog;
        _upstreams = upstreams;
        _isForEveryone = upstreams.All(upstream => upstream.IsForEveryone);
        foreach (var model in catalog.All.Concat(catalog.Listed))
        {
            _routes.TryAdd(Key(model), new ModelRoute(model, [.. Targets(model, model.Id)]));
        }

        foreach (var (form, model) in catalog.Forms)
        {
            var usual = _routes[Key(model)];
            ModelRoute own = new(usual.Model, [.. Targets(usual.Model, form)]);
            _byForm.Add(form, own.Targets.SequenceEqual(usual.Targets) ? usual : own);
        }
    }

    /// <summary>The route of a requested id, or null when the catalogue does not have it.</summary>
    public ModelRoute? Find(string id) => _byForm.GetValueOrDefault(id);

    /// <summary>The models of /v1/models that this developer can reach, in its order.</summary>
    public IEnumerable<ModelRoute> ListedFor(Principal principal) =>
        _catalog.Listed.Select(model => _routes[Key(model)]).Where(route => For(route, principal).Count > 0);

    /// <summary>Every requestable model whose first upstream is the same for everybody.</summary>
    public IEnumerable<ModelPlacement> Placements() =>
        from route in _routes.Values
        where route.Targets.Count > 0 && route.Targets[0].Upstream.IsForEveryone
        select new ModelPlacement(route.Model, route.Targets[0].Upstream.Name, route.Targets[0].ModelId);

    /// <summary>The targets of a route this developer may use.</summary>
    public IReadOnlyList<RouteTarget> For(ModelRoute route, Principal principal) =>
        _isForEveryone ? route.Targets : [.. route.Targets.Where(target => target.Upstream.IsOpenTo(principal))];

    /// <summary>How many upstreams this developer may use, whatever the model.</summary>
    public int CountFor(Principal principal) =>
        _isForEveryone ? _upstreams.Count : _upstreams.Count(upstream => upstream.IsOpenTo(principal));

    /// <summary>Why a developer without a target for this model has none.</summary>
    /// <param name="route">Null for an id the catalogue does not have.</param>
    /// <param name="quotedId">The id as an error message may show it.</param>
    public string WhyNone(string requestedId, string quotedId, ModelRoute? route, Principal principal)
    {
        var open = _upstreams.Where(upstream => upstream.IsOpenTo(principal)).ToArray();
        if (open.Length == 0)
        {
            return "you aren't in a group that can use this gateway. Ask your administrator to add you to one";
        }

        // Of an operator's own model a developer knows only when an upstream open to him has a name for it.
        var model = route?.Model is { } known
            && (known.BuiltIn is not null || Array.Exists(open, upstream => ModelId(known, upstream) is not null))
            ? known
            : null;
        return string.Join(
            "; ", open.Select(upstream => $"model {quotedId} {WhyNot(requestedId, model, upstream)}").Distinct());
    }

    private static string WhyNot(string requestedId, CatalogModel? model, Upstream upstream) =>
        !upstream.Serves(model, requestedId) ? $"is not served by upstream '{upstream.Name}'"
        : model is null ? "is not in the operator's model allowlist"
        : model.BuiltIn is not null ? $"is not available on {upstream.Provider}"
        : $"has no upstream_model.{upstream.Name} configured";

    private IEnumerable<RouteTarget> Targets(CatalogModel model, string requestedId)
    {
        foreach (var upstream in _upstreams)
        {
            if (upstream.Serves(model, requestedId) && ModelId(model, upstream) is { } id)
            {
                yield return new RouteTarget(upstream, id);
            }
        }
    }

    /// <summary>The operator's name for it wins; without one an operator's own model cannot be sent there.</summary>
    private static string? ModelId(CatalogModel model, Upstream upstream) =>
        model.Configured?.UpstreamModel.GetValueOrDefault(upstream.Name)
        ?? (model.BuiltIn is { } builtIn ? upstream.BuiltInModelId(builtIn) : null);

    /// <summary>
    /// Two entries may name one built-in model in two spellings: the listing shows both, each with its own label.
    /// </summary>
    private static string Key(CatalogModel model) => model.Id;
}
