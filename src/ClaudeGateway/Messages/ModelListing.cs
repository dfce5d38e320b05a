using System.Collections.Frozen;
using ClaudeGateway.Managed;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Prices;

namespace ClaudeGateway.Messages;

/// <summary>The models one developer can use, in the order of /v1/models (spec/inference.md).</summary>
internal sealed class ModelListing(ModelRoutes routes, Func<Principal, ModelAccess> modelAccess)
{
    private static readonly FrozenDictionary<ModelVersion, BuiltInModel> ByVersion =
        BuiltInModels.All.ToFrozenDictionary(model => ModelVersion.Find(model.Id)!.Value);

    public IReadOnlyList<ListedModel> For(Principal principal)
    {
        var access = modelAccess(principal);
        return
        [
            .. routes.ListedFor(principal)
            .Where(route => access.Check(route.Model.Id, route.Model) == ModelVerdict.Allowed).Select(List)];
    }

    private static ListedModel List(ModelRoute route)
    {
        // An entry for another spelling of the same model does not describe this one.
        var named = route.Model.Configured?.Id == route.Model.Id ? route.Model.Configured : null;
        var sentAs = route.Targets.Select(target => SentAs(target, route.Model.BuiltIn)).ToArray();
        // What only the operator has a name for is taken for what the client's id says; nobody knows its window,
        // though.
        var known = sentAs.Select(model => model ?? Named(route.Model.Id)).OfType<BuiltInModel>().ToArray();
        return new ListedModel(
            route.Model.Id,
            named?.Label,
            named?.Description,
            Array.TrueForAll(sentAs, model => model?.MaxInputTokens is not null)
            ? sentAs.Min(model => model!.MaxInputTokens)
            : null,
            known.Length > 0 && Array.TrueForAll(known, model => model.SupportsOneMillionTokens));
    }

    private static BuiltInModel? SentAs(RouteTarget target, BuiltInModel? builtIn) =>
        builtIn is not null && target.Upstream.BuiltInModelId(builtIn) == target.ModelId
        ? builtIn
        : Named(target.ModelId);

    /// <summary>
    /// The model whose name stands in any spelling: a deployment's, a profile's ARN, another cloud's or date's.
    /// </summary>
    private static BuiltInModel? Named(string id) =>
        ModelVersion.Find(id) is { } version ? ByVersion.GetValueOrDefault(version) : null;
}
