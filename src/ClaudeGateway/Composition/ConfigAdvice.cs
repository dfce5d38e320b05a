using ClaudeGateway.Config;
using ClaudeGateway.Credentials.Places;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Warnings;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Bedrock;

namespace ClaudeGateway.Composition;

/// <summary>
/// What a valid configuration probably does not mean (spec/config.md, Boot warnings). It needs the catalogue, the
/// routes and the merged policies, which the reader does not know. Printed by <c>check</c> and at boot; touches no
/// service.
/// </summary>
internal sealed class ConfigAdvice
{
    private readonly GatewayConfig _config;
    private readonly List<string> _advice = [];

    private ConfigAdvice(GatewayConfig config) => _config = config;

    /// <exception cref="OperatorException">The environment holds something unusable, such as a proxy
    /// variable.</exception>
    public static IReadOnlyList<string> For(
        GatewayConfig config, ProcessEnvironment environment, TimeProvider clock)
    {
        using var lines = new StderrLines(Stream.Null);
        var silent = new OperationalLog(lines, clock, LogLevel.Error);
        using var outbound = new OutboundHttp(environment, silent);
        var places = UpstreamPlaces.FindHere(config.Upstreams, environment);
        config = config with { Upstreams = places.Upstreams };
        var advice = new ConfigAdvice(config);
        advice._advice.AddRange(places.Notes);
        advice.OnLoadTest();
        advice.OnProxy(outbound);
        advice.OnRoutes(
            new ModelRoutes(
                new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels),
                UpstreamList.Create(config, outbound, environment, clock, silent)));
        advice._advice.AddRange(PolicyWarnings.Of(config));
        advice._advice.AddRange(RetirementWarnings.Of(config, DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime)));
        return [.. config.Warnings, .. advice._advice];
    }

    private void OnLoadTest()
    {
        if (_config.LoadTestMode is { Enabled: true })
        {
            _advice.Add(
                "load_test_mode is on: no model is asked and every answer is canned. Turn it off before developers use "
                    + "this gateway");
        }
    }

    private void OnProxy(OutboundHttp outbound)
    {
        if (outbound.ProxyIsEgressBoundary)
        {
            return;
        }

        if (_config.Oidc.UseProxy == true && !outbound.Proxy.IsConfigured)
        {
            _advice.Add(
                "oidc.use_proxy is true but neither HTTPS_PROXY nor HTTP_PROXY is set: the identity provider is asked "
                    + "directly");
        }
        else if (_config.Oidc.UseProxy is null && outbound.Proxy.IsConfigured)
        {
            _advice.Add(
                "a proxy is set in the environment but the identity provider is asked directly: set oidc.use_proxy to "
                    + "true to use the proxy for it too, or to false to say that this is meant");
        }

        if (outbound.IdpConnectByHostname && !(_config.Oidc.UseProxy == true && outbound.Proxy.IsConfigured))
        {
            _advice.Add(
                $"{OutboundHttp.IdpConnectByHostnameVariable} is set but has no effect: the identity provider is asked "
                    + "directly. It needs oidc.use_proxy: true, and HTTPS_PROXY set to your proxy");
        }
    }

    private void OnRoutes(ModelRoutes routes)
    {
        var catalog = new ModelCatalog(_config.Models, _config.AutoIncludeBuiltinModels);
        var all = catalog.All.Select(model => routes.Find(model.Id)).OfType<ModelRoute>().ToArray();
        foreach (var upstream in _config.Upstreams)
        {
            foreach (var pattern in (upstream.Models ?? [])
                .Where(
                    pattern =>
                        !all.Any(route => ModelPattern.Matches(pattern, route.Model) && Reaches(route, upstream.Name))))
            {
                _advice.Add(
                    $"upstream '{upstream.Name}': models entry '{pattern}' sends no model there: no model that "
                        + $"developers can request matches it, or {upstream.Provider} does not have it. "
                    + "Check the spelling, or map it with a models[] entry whose upstream_model has "
                    + $"'{upstream.Name}'");
            }

            if (upstream is BedrockUpstreamConfig { InferenceProfile: null } bedrock
                && BedrockModelId.MissingProfile(bedrock.Region) is { } missing
                && all.Any(route => IsAskedForBare(route, upstream.Name)))
            {
                _advice.Add(
                    $"upstream '{upstream.Name}': built-in models are asked for without an inference profile, and in "
                        + $"{bedrock.Region} Bedrock refuses most of them so (\"on-demand throughput isn't "
                        + $"supported\"). Set inference_profile: {BedrockModelId.Word(missing)} (or the one this "
                        + "region has), or inference_profile: none if they are meant; claude-gateway doctor tries it");
            }

            if (upstream is VertexUpstreamConfig
                && all.Any(
                    route =>
                        route.Model.BuiltIn?.Id is "claude-sonnet-4-5" or "claude-sonnet-4"
                        && Reaches(route, upstream.Name)))
            {
                _advice.Add(
                    $"upstream '{upstream.Name}': Vertex does not serve Sonnet 4.5 and Sonnet 4 with a context of one "
                        + "million tokens; requests with the context-1m beta for them are refused with 400");
            }
        }

        foreach (var row in (_config.Pricing?.Overrides ?? []).Where(row => !all.Any(route => Prices(row, route))))
        {
            _advice.Add(
                $"pricing.overrides: the row for '{row.Model}' on '{row.Upstream}' will never apply: no model that "
                    + "developers can request is priced by it"
                + (_config.Admin is null ? " (without an admin section only the first upstream of a model counts, and "
                + "only if it has no groups)" : ""));
        }
    }

    private static bool IsAskedForBare(ModelRoute route, string upstream) =>
        route.Model.BuiltIn is { } builtIn
        && route.Model.Configured?.UpstreamModel.ContainsKey(upstream) is not true
        && route.Targets.Any(
            target => string.Equals(target.Upstream.Name, upstream, StringComparison.Ordinal)
                && string.Equals(target.ModelId, builtIn.BedrockId, StringComparison.Ordinal));

    private static bool Reaches(ModelRoute route, string upstream) =>
        route.Targets.Any(target => string.Equals(target.Upstream.Name, upstream, StringComparison.Ordinal));

    private bool Prices(PriceOverride row, ModelRoute route)
    {
        var targets = _config.Admin is not null
            ? route.Targets
            : [.. route.Targets.Take(1).Where(target => target.Upstream.IsForEveryone)];
        return targets.Any(target => string.Equals(target.Upstream.Name, row.Upstream, StringComparison.Ordinal)
            && (row.Model.Equals(target.ModelId, StringComparison.OrdinalIgnoreCase)
                || row.Model.Equals(route.Model.Id, StringComparison.OrdinalIgnoreCase)
                || (BuiltInModels.Find(row.Model) is { } builtIn && builtIn == route.Model.BuiltIn)));
    }
}
