using ClaudeGateway.Managed;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Messages;

/// <summary>The models one developer can use, in the order of /v1/models (spec/inference.md).</summary>
internal sealed class ModelListing(ModelRoutes routes, Func<Principal, ModelAccess> modelAccess)
{
    public IReadOnlyList<ListedModel> For(Principal principal)
    {
        var access = modelAccess(principal);
        return [.. routes.ListedFor(principal).Where(route => access.Check(route.Model.Id, route.Model) == ModelVerdict.Allowed).Select(List)];
    }

    private static ListedModel List(ModelRoute route)
    {
        // An entry for another spelling of the same model does not describe this one.
        var named = route.Model.Configured?.Id == route.Model.Id ? route.Model.Configured : null;
        var sentAs = route.Targets.Select(target => SentAs(target, route.Model.BuiltIn)).Distinct().ToArray();
        var windows = sentAs.Select(model => model?.MaxInputTokens).Distinct().ToArray();
        return new ListedModel(
            route.Model.Id,
            named?.Label,
            named?.Description,
            windows is [{ } only] ? only : null,
            Array.TrueForAll(sentAs, model => model is { SupportsOneMillionTokens: true }));
    }

    private static BuiltInModel? SentAs(RouteTarget target, BuiltInModel? builtIn) =>
        builtIn is not null && target.Upstream.BuiltInModelId(builtIn) == target.ModelId ? builtIn : BuiltInModels.Find(target.ModelId);
}
