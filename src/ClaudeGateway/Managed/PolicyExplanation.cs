using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed;

/// <summary>
/// Tells in plain lines what one developer is served and why: the text of <c>claude-gateway explain</c>.
/// </summary>
internal sealed class PolicyExplanation(GatewayConfig config, ManagedPolicies policies, PushedSettings pushed)
{
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly IReadOnlyList<PolicyConfig> _policies = config.Managed?.Policies ?? [];

    private readonly SettingsSchemas _schemas = config.Managed?.Schemas ?? SettingsSchemas.BuiltIn;

    /// <param name="models">What /v1/models shows this developer.</param>
    public IEnumerable<string> Lines(Principal principal, IReadOnlyList<ListedModel> models) =>
        [.. Matching(principal), "", .. Settings(principal), "", .. Desktop(principal), "", .. Models(models)];

    private IEnumerable<string> Matching(Principal principal)
    {
        if (_policies.Count == 0)
        {
            yield return "policies: none configured";
            yield break;
        }

        var mode = config.Managed!.PolicyMode;
        var selector = new PolicySelector(_policies, mode);
        var layers = selector.Select(principal)?.Layers ?? [];
        yield return mode == PolicyMode.Layered
            ? "policies (layered: every match, the earlier listed wins):"
            : "policies (first_match, over the catch-all as base):";
        for (var i = 0; i < _policies.Count; i++)
        {
            var use = i >= selector.Reachable ? "never applies, a catch-all stands before it"
                : layers.Contains(i) ? i == selector.Base && layers.Count > 1 ? "used as the base" : "used"
                : selector.IsMatch(i, principal) ? "matches, but an earlier one is used"
                : "does not match";
            yield return $"  [{i}] {Condition(_policies[i].Match, principal)}: {use}";
        }
    }

    private static string Condition(PolicyMatch match, Principal principal)
    {
        if (match.IsCatchAll)
        {
            return "everybody";
        }

        var groups = match.Groups is null ? null
            : match.Groups.FirstOrDefault(principal.Groups.Contains) is { } shared ? $"in group {shared}"
            : $"in none of the groups {string.Join(", ", match.Groups)}";
        var domain = match.EmailDomain is null ? null
            : $"{(principal.Email is null ? "no e-mail" : "e-mail " + principal.Email)} against domain "
                + $"{match.EmailDomain}";
        return string.Join(" and ", new[] { groups, domain }.OfType<string>());
    }

    private IEnumerable<string> Settings(Principal principal)
    {
        if (policies.For(principal) is not { } outcome)
        {
            yield return $"settings: none (404 {(policies.IsConfigured ? "no policy matched" : "not configured")})";
            yield break;
        }

        yield return $"settings ({outcome.Document.Checksum}):";
        foreach (var origin in new SettingsOrigins(_schemas.Cli).Of(outcome.Document.Settings, Layers(outcome)))
        {
            yield return $"  {origin.Path} = {Text(origin.Value)}    from {string.Join(" and ", origin.Sources)}";
        }

        yield return outcome.ServesDesktopSessions
            ? "  served to Claude Code in terminals, editors and Claude Desktop"
            : "  served to Claude Code in terminals and editors, not to sessions inside Claude Desktop";
    }

    private List<MergeLayer> Layers(PolicyOutcome outcome) =>
    [
        new("the gateway (telemetry, pricing)", pushed.Under([]), null),
        .. outcome.Selection.Layers.Select(
            i =>
                new MergeLayer(
                    Name(_policies[i].Settings, i), PolicyDocuments.Settings(_policies[i]), _policies[i].Settings)),
    ];

    private IEnumerable<string> Desktop(Principal principal)
    {
        if (policies.For(principal) is not { Desktop: { } desktop } outcome)
        {
            yield return "desktop: none "
                + (!policies.HasDesktop ? "(no policy has a desktop block)"
                    : policies.For(principal) is null ? "(no policy matched)"
                    : "(the policies used have no desktop block)");
            yield break;
        }

        yield return "desktop:";
        var layers = outcome.Selection.Layers.Select(
            i =>
                new MergeLayer(
                    Name(_policies[i].Desktop, i),
                    DesktopDocument.Of(_policies[i], _schemas.Desktop) ?? [],
                    _policies[i].Desktop)).ToList();
        foreach (var origin in new SettingsOrigins(_schemas.Desktop).Of(desktop, layers))
        {
            yield return $"  {origin.Path} = {Text(origin.Value)}    from {string.Join(" and ", origin.Sources)}";
        }
    }

    private static IEnumerable<string> Models(IReadOnlyList<ListedModel> models)
    {
        yield return models.Count == 0 ? "models: none, every request is refused" : $"models ({models.Count}):";
        foreach (var model in models)
        {
            yield return model.Label is null ? $"  {model.Id}" : $"  {model.Id} ({model.Label})";
        }
    }

    private static string Name(PolicyDocument? document, int index) => document?.Path ?? $"managed.policies[{index}]";

    private static string Text(JsonNode? value) => value?.ToJsonString(Plain) ?? "null";
}
