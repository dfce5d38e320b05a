using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Sessions;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed;

/// <summary>
/// The policies of one configuration snapshot: merging and checksums happen here once per distinct outcome, so that a
/// poll only looks its answer up.
/// </summary>
internal sealed class ManagedPolicies
{
    private readonly IReadOnlyList<PolicyConfig> _policies;
    private readonly SettingsSchemas _schemas;
    private readonly PushedSettings _pushed;
    private readonly PolicySelector? _selector;
    private readonly PolicyOutcome? _everybody;
    private readonly bool _isCode;
    private readonly bool _isLayered;
    private readonly ConcurrentDictionary<string, PolicyOutcome> _outcomes = new(StringComparer.Ordinal);

    public ManagedPolicies(ManagedConfig? managed, PushedSettings pushed)
    {
        _policies = managed?.Policies ?? [];
        _schemas = managed?.Schemas ?? SettingsSchemas.BuiltIn;
        _pushed = pushed;
        _isLayered = managed?.PolicyMode == PolicyMode.Layered;
        _isCode = _policies.Any(p => p is { Settings: not null, SettingsKey: PolicySettingsKey.Code });
        if (_policies.Count == 0 && managed is not { IsEmptyList: true })
        {
            _everybody = pushed.Env is null ? null : PushedOnly(pushed);
            return;
        }

        _selector = new PolicySelector(_policies, managed!.PolicyMode);
        for (var i = 0; i < _selector.Reachable; i++)
        {
            Prepared(_selector.Of(i));
        }
    }

    /// <summary>Whether there is anything to serve at all.</summary>
    public bool IsConfigured => _selector is not null || _everybody is not null;

    /// <summary>What is served to whom, as far as it has been prepared.</summary>
    public IEnumerable<PolicyOutcome> Outcomes => _everybody is null ? _outcomes.Values : [_everybody];

    /// <summary>
    /// Whether nothing else can be served: with <c>layered</c> there may be combinations that nobody has met yet.
    /// </summary>
    public bool AreOutcomesComplete => !_isLayered;

    public PolicyMatch MatchOf(int index) => _policies[index].Match;

    public bool HasDesktop => _policies.Any(p => p.Desktop is not null);

    /// <summary>Null when no policy matches, or none is configured.</summary>
    public PolicyOutcome? For(Principal principal) =>
        _selector is null ? _everybody : _selector.Select(principal) is { } selection ? Prepared(selection) : null;

    /// <summary>A developer without a policy is not restricted.</summary>
    public ModelAccess ModelsOf(Principal principal) => For(principal)?.Models ?? ModelAccess.Unrestricted;

    /// <summary>
    /// With <c>layered</c> there are more combinations than policies; those that occur are prepared when first met.
    /// </summary>
    private PolicyOutcome Prepared(PolicySelection selection) =>
        _outcomes.GetOrAdd(
            Key(selection), static (_, args) => args.Self.Prepare(args.selection), (Self: this, selection));

    private static string Key(PolicySelection selection) => selection.Layers is [var only]
        ? only.ToString(CultureInfo.InvariantCulture)
        : string.Join(',', selection.Layers);

    private PolicyOutcome Prepare(PolicySelection selection)
    {
        var settings = new PolicyMerge(_schemas.Cli)
            .Fold(selection.Layers.Select(i => PolicyDocuments.Settings(_policies[i])));
        var desktops = selection.Layers.Select(i => DesktopDocument.Of(_policies[i],
            _schemas.Desktop)).OfType<JsonObject>().ToList();
        var serveToDesktop = selection.Layers.Select(i => _policies[i].ServeToDesktop)
            .LastOrDefault(choice => choice is not null);
        return new PolicyOutcome(
            selection,
            SettingsDocument.Of(_pushed.Under(settings)),
            _isCode,
            _isCode || serveToDesktop == true,
            Access(settings),
            desktops.Count == 0 ? null : Settled(new PolicyMerge(_schemas.Desktop).Fold(desktops)));
    }

    /// <summary>A JsonObject fills itself on first use; that must not happen in two requests at once.</summary>
    private static JsonObject Settled(JsonObject document)
    {
        CanonicalJson.Write(document);
        return document;
    }

    private static PolicyOutcome PushedOnly(PushedSettings pushed) =>
        new(
            new PolicySelection(0, [], null),
            SettingsDocument.Of((pushed with { ModelPricing = null }).Under([])),
            IsCode: false,
            ServesDesktopSessions: false,
            ModelAccess.Unrestricted,
            Desktop: null);

    private static ModelAccess Access(JsonObject settings) => ModelAccess.From(
        Names(settings["availableModels"]),
        Names(settings["deniedModels"]),
        settings["availableModelsMatch"]?.ToString() == "exact"
        ? AvailableModelsMatch.Exact
        : AvailableModelsMatch.Prefix);

    private static List<string>? Names(JsonNode? list) =>
        list is JsonArray names ? [.. names.OfType<JsonValue>().Select(n => n.ToString())] : null;
}
