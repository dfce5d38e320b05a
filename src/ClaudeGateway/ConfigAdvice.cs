using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Schema;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway;

/// <summary>
/// What a valid configuration probably does not mean (spec/config.md, Boot warnings). It needs the catalogue, the routes and the
/// merged policies, which the reader does not know. Printed by <c>check</c> and at boot; touches no service.
/// </summary>
internal sealed class ConfigAdvice
{
    private readonly GatewayConfig _config;
    private readonly List<string> _advice = [];

    private ConfigAdvice(GatewayConfig config) => _config = config;

    /// <exception cref="BootException">The environment holds something unusable, such as a proxy variable.</exception>
    public static IReadOnlyList<string> For(GatewayConfig config, ProcessEnvironment environment)
    {
        using var lines = new StderrLines(Stream.Null);
        var silent = new OperationalLog(lines, TimeProvider.System, LogLevel.Error);
        using var outbound = new OutboundHttp(environment, silent);
        var advice = new ConfigAdvice(config);
        advice.OnAccess();
        advice.OnProxy(outbound);
        advice.OnRoutes(new ModelRoutes(new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels), UpstreamList.Create(config, outbound, environment, TimeProvider.System, silent)));
        advice._advice.AddRange(PolicyAdvice.For(config));
        return [.. config.Warnings, .. advice._advice, .. UnbuiltFeatures.In(config)];
    }

    private void OnAccess()
    {
        if (_config.AccessControl.AllowCidrs.Count == 0 && _config.Listen.PublicUrl is not null)
        {
            _advice.Add("access_control.allow_cidrs is empty: every client address is served, so only your network decides who reaches the gateway, "
                + "which can push settings that run commands on developers' machines. Allow your own ranges, such as [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7] "
                + "(behind a load balancer set listen.trusted_proxies first)");
        }

        if (_config.LoadTestMode is { Enabled: true })
        {
            _advice.Add("load_test_mode is on: no model is asked and every answer is canned. Turn it off before developers use this gateway");
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
            _advice.Add("oidc.use_proxy is true but neither HTTPS_PROXY nor HTTP_PROXY is set: the identity provider is asked directly");
        }
        else if (_config.Oidc.UseProxy is null && outbound.Proxy.IsConfigured)
        {
            _advice.Add("a proxy is set in the environment but the identity provider is asked directly: set oidc.use_proxy to true to use the proxy for it too, or to false to say that this is meant");
        }
    }

    private void OnRoutes(ModelRoutes routes)
    {
        var catalog = new ModelCatalog(_config.Models, _config.AutoIncludeBuiltinModels);
        var all = catalog.All.Select(model => routes.Find(model.Id)).OfType<ModelRoute>().ToArray();
        foreach (var upstream in _config.Upstreams)
        {
            foreach (var pattern in (upstream.Models ?? []).Where(pattern => !all.Any(route => ModelPattern.Matches(pattern, route.Model) && Reaches(route, upstream.Name))))
            {
                _advice.Add($"upstream '{upstream.Name}': models entry '{pattern}' sends no model there: no model that developers can request matches it, or {upstream.Provider} does not have it. "
                    + $"Check the spelling, or map it with a models[] entry whose upstream_model has '{upstream.Name}'");
            }

            if (upstream is VertexUpstreamConfig && all.Any(route => route.Model.BuiltIn?.Id is "claude-sonnet-4-5" or "claude-sonnet-4" && Reaches(route, upstream.Name)))
            {
                _advice.Add($"upstream '{upstream.Name}': Vertex does not serve Sonnet 4.5 and Sonnet 4 with a context of one million tokens; requests with the context-1m beta for them are refused with 400");
            }
        }

        foreach (var row in (_config.Pricing?.Overrides ?? []).Where(row => !all.Any(route => Prices(row, route))))
        {
            _advice.Add($"pricing.overrides: the row for '{row.Model}' on '{row.Upstream}' will never apply: no model that developers can request is priced by it"
                + (_config.Admin is null ? " (without an admin section only the first upstream of a model counts, and only if it has no groups)" : ""));
        }
    }

    private static bool Reaches(ModelRoute route, string upstream) => route.Targets.Any(target => string.Equals(target.Upstream.Name, upstream, StringComparison.Ordinal));

    private bool Prices(PriceOverride row, ModelRoute route)
    {
        var targets = _config.Admin is not null ? route.Targets : [.. route.Targets.Take(1).Where(target => target.Upstream.IsForEveryone)];
        return targets.Any(target => string.Equals(target.Upstream.Name, row.Upstream, StringComparison.Ordinal)
            && (row.Model.Equals(target.ModelId, StringComparison.OrdinalIgnoreCase)
                || row.Model.Equals(route.Model.Id, StringComparison.OrdinalIgnoreCase)
                || (BuiltInModels.Find(row.Model) is { } builtIn && builtIn == route.Model.BuiltIn)));
    }
}

/// <summary>The part of <see cref="ConfigAdvice"/> that looks at policies, each merged with its base.</summary>
internal sealed class PolicyAdvice
{
    /// <summary>What Claude Code starts on when nobody has picked a model (client 2.1.328).</summary>
    private const string ClientDefaultModel = "claude-opus-4-7";

    private readonly GatewayConfig _config;
    private readonly IReadOnlyList<PolicyConfig> _policies;
    private readonly List<string> _advice = [];

    private PolicyAdvice(GatewayConfig config)
    {
        _config = config;
        _policies = config.Managed!.Policies;
    }

    public static IReadOnlyList<string> For(GatewayConfig config)
    {
        if (config.Managed is not { Policies.Count: > 0 } managed)
        {
            return [];
        }

        var advice = new PolicyAdvice(config);
        advice.OnOrder(new PolicySelector(managed.Policies, managed.PolicyMode));
        advice.OnModels(new PolicySelector(managed.Policies, managed.PolicyMode));
        advice.OnValues();
        advice.OnDesktop();
        return advice._advice;
    }

    private void OnOrder(PolicySelector selector)
    {
        if (selector.Base is { } catchAll && catchAll < _policies.Count - 1)
        {
            _advice.Add($"managed.policies[{catchAll}] matches everybody, so the policies after it never apply. Move it to the end");
        }
    }

    private void OnModels(PolicySelector selector)
    {
        var catalog = new ModelCatalog(_config.Models, _config.AutoIncludeBuiltinModels);
        var stranded = new List<int>();
        for (var i = 0; i < selector.Reachable; i++)
        {
            var settings = new PolicyMerge(SettingsSchema.Cli).Fold(selector.Of(i).Layers.Select(layer => PolicyDocuments.Settings(_policies[layer])));
            if (LeavesOutTheDefault(settings))
            {
                stranded.Add(i);
            }

            OnSandbox(i, selector.Base);
        }

        if (stranded.Count > 0)
        {
            _advice.Add($"managed policies {string.Join(", ", stranded)}: availableModels leaves out {ClientDefaultModel}, on which Claude Code starts when nobody has picked a model, and neither model nor "
                + "enforceAvailableModels is set: those developers get a 400 until they pick a listed model with /model. Add enforceAvailableModels: true, or set model");
        }

        foreach (var (policy, i) in _policies.Select((policy, i) => (policy, i)))
        {
            foreach (var entry in Strings(policy, "deniedModels").Where(entry => !DeniedModels.CanDeny(entry, catalog)))
            {
                _advice.Add($"managed.policies[{i}]: the deniedModels entry '{entry}' denies no model. Name a family (sonnet), a version (claude-opus-4) or a model id; wildcards do not work here");
            }
        }
    }

    private static bool LeavesOutTheDefault(JsonObject settings)
    {
        if (settings["availableModels"] is not JsonArray list || settings["model"] is not null || (settings["enforceAvailableModels"] is JsonValue enforce && enforce.GetValueKind() == JsonValueKind.True))
        {
            return false;
        }

        var match = settings["availableModelsMatch"]?.ToString() == "exact" ? AvailableModelsMatch.Exact : AvailableModelsMatch.Prefix;
        return !new AvailableModels([.. list.OfType<JsonValue>().Select(entry => entry.ToString())], match).Allows(ClientDefaultModel);
    }

    /// <summary>Security settings of the base that a role silently loses.</summary>
    private void OnSandbox(int policy, int? catchAll)
    {
        if (catchAll is { } index && index != policy && Member(_policies[policy], "sandbox") is not null && Member(_policies[index], "sandbox") is { ValueKind: JsonValueKind.Object } below && below.EnumerateObject().Any())
        {
            _advice.Add($"managed.policies[{policy}]: its sandbox replaces the whole sandbox block of the catch-all managed.policies[{index}]; repeat there what must hold for these developers too");
        }
    }

    private void OnValues()
    {
        foreach (var document in _policies.Select(policy => policy.Settings).OfType<PolicyDocument>())
        {
            if (document.Json.TryGetProperty("env", out var env) && env.ValueKind == JsonValueKind.Object)
            {
                foreach (var variable in env.EnumerateObject().Where(variable => variable.Value.ValueKind is not JsonValueKind.String))
                {
                    _advice.Add($"{document.Path}.env.{variable.Name} is no text and is served as written; put it in quotes, since a variable's value is text");
                }
            }
        }
    }

    private void OnDesktop()
    {
        var hasCode = _policies.Any(policy => policy is { Settings: not null, SettingsKey: PolicySettingsKey.Code });
        if (!_policies.Any(policy => policy.Desktop is not null))
        {
            _advice.Add("no managed policy has a desktop block: Claude Desktop gets 404 from /user/bootstrap until one has");
        }
        else if (hasCode)
        {
            _advice.Add("settings under code reach Claude Desktop's Code tab only on machines whose own managed settings name this gateway: {\"forceLoginGatewayUrl\":\"<listen.public_url>\",\"parentSettingsBehavior\":\"merge\"}");
        }
        else if (_policies.Any(policy => policy.Settings is { } settings && settings.Json.EnumerateObject().Any() && policy.ServeToDesktop != false))
        {
            _advice.Add("settings outside code do not reach the Code tab of a Claude Desktop that this gateway manages, even with serve_to_desktop: true; write every policy's settings under code to reach it (serve_to_desktop: false says that this is meant)");
        }
    }

    private static IEnumerable<string> Strings(PolicyConfig policy, string key) => Member(policy, key) is { ValueKind: JsonValueKind.Array } list
        ? list.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.String).Select(entry => entry.GetString()!)
        : [];

    private static JsonElement? Member(PolicyConfig policy, string key) => policy.Settings is { } settings && settings.Json.TryGetProperty(key, out var value) ? value : null;
}
