using System.Text.Json;
using ClaudeGateway.Config;

namespace ClaudeGateway.Managed.Schema;

/// <summary>
/// What a policy's documents may hold (spec/settings.md). The two schema files beside this class are data: a client
/// release that adds keys replaces them. They are parsed when the first document is checked, never on a boot without policies.
/// </summary>
internal sealed class SettingsSchema
{
    private static readonly Lazy<SettingsSchema> LazyCli = new(() => new SettingsSchema("settings-cli.schema.json", isDesktop: false));
    private static readonly Lazy<SettingsSchema> LazyDesktop = new(() => new SettingsSchema("settings-desktop.schema.json", isDesktop: true));

    /// <summary>Documented for managed settings and read by Claude Desktop, though the schema does not list them.</summary>
    private static readonly HashSet<string> ReadByDesktopOnly = new(StringComparer.Ordinal)
    {
        "sshHostAllowlist", "browserExternalPageTools", "disableBrowserExternalNavigation", "disableMobileSimulatorTools", "disableDesktopLocalSessions",
    };

    private readonly JsonElement _schema;
    private readonly SchemaValidator _validator;
    private readonly bool _isDesktop;

    private SettingsSchema(string file, bool isDesktop)
    {
        using var stream = typeof(SettingsSchema).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"{file} is not embedded");
        _schema = JsonDocument.Parse(stream).RootElement;
        _validator = new SchemaValidator(_schema);
        _isDesktop = isDesktop;
    }

    /// <summary>For <c>cli</c>, <c>code</c> and <c>settings</c> blocks.</summary>
    public static SettingsSchema Cli => LazyCli.Value;

    /// <summary>For <c>desktop</c> blocks.</summary>
    public static SettingsSchema Desktop => LazyDesktop.Value;

    /// <summary>The schema itself, for a JSON Schema of gateway.yaml.</summary>
    public JsonElement Json => _schema;

    /// <summary>How two policies' values of a top-level key are merged: the schema's <c>x-merge</c>.</summary>
    public MergeRule MergeRuleOf(string key)
    {
        if (!_schema.GetProperty("properties").TryGetProperty(key, out var property)
            || property.ValueKind != JsonValueKind.Object || !property.TryGetProperty("x-merge", out var rule))
        {
            return MergeRule.Replace;
        }

        return rule.GetString() switch
        {
            "union" => MergeRule.Union,
            "shallow" => MergeRule.Shallow,
            "union per event" => MergeRule.UnionPerKey,
            "per key; deny and ask union" => MergeRule.Permissions,
            "per tool; the base wins unless it says allow" => MergeRule.BaseRestricts,
            var other => throw new NotSupportedException($"the settings schema merges {key} by \"{other}\", which this gateway does not know"),
        };
    }

    /// <summary>Every problem of one block, errors and warnings, in document order.</summary>
    /// <param name="warnOnUnknown"><c>managed.unknown_settings: warn</c>: an unknown key is served with a warning.</param>
    /// <param name="xaaEnabled">CLAUDE_CODE_ENABLE_XAA=1: the key <c>xaaIdp</c> is known.</param>
    public IReadOnlyList<SettingsProblem> Check(PolicyDocument document, bool warnOnUnknown = false, bool xaaEnabled = false)
    {
        if (document.Json.ValueKind != JsonValueKind.Object)
        {
            return [Place(document, new SchemaProblem(ProblemSeverity.Error, JsonPlace.Root, SchemaProblemKind.WrongType, "must be a map"))];
        }

        using var prepared = _isDesktop ? DesktopText.Expand(document.Json, _schema) : null;
        var problems = _validator.Check(prepared?.RootElement ?? document.Json);
        if (_isDesktop)
        {
            problems.AddRange(DesktopText.EmptyValues(document.Json, _schema).Where(empty => !problems.Exists(p => p.Place == empty.Place)));
        }

        return [.. problems.Select(p => Judge(p, document.Json, warnOnUnknown, xaaEnabled)).OfType<SchemaProblem>().Select(p => Place(document, p))];
    }

    /// <summary>Softens or explains what the schema alone cannot know; null drops the problem.</summary>
    private SchemaProblem? Judge(SchemaProblem problem, JsonElement document, bool warnOnUnknown, bool xaaEnabled)
    {
        if (!_isDesktop && problem.Place is { Depth: 1, Key: { } key })
        {
            if (key == "mcpServers")
            {
                return problem with { Message = "is not a managed settings key: servers for everybody are set in managedMcpServers", Suggestion = "managedMcpServers" };
            }

            if (key == "xaaIdp" && xaaEnabled && problem.Kind == SchemaProblemKind.UnknownKey)
            {
                return HasIssuerAndClient(document.GetProperty(key)) ? null : problem with { Kind = SchemaProblemKind.Value, Message = "must be a map with issuer and clientId" };
            }

            if (ReadByDesktopOnly.Contains(key) && problem.Kind == SchemaProblemKind.UnknownKey)
            {
                return problem with { Severity = ProblemSeverity.Warning, Message = "only Claude Desktop reads this key; other gateways refuse it", Suggestion = null };
            }
        }

        if (!_isDesktop && problem is { Kind: SchemaProblemKind.UnknownKey, Place: { Depth: 2, Parent.Key: "hooks" } })
        {
            problem = problem with { Message = "unknown hook event" };
        }

        return warnOnUnknown && problem is { Kind: SchemaProblemKind.UnknownKey, Severity: ProblemSeverity.Error }
            ? problem with { Severity = ProblemSeverity.Warning, Message = problem.Message + ", served as written" }
            : problem;
    }

    private static bool HasIssuerAndClient(JsonElement idp) => idp.ValueKind == JsonValueKind.Object
        && idp.TryGetProperty("issuer", out var issuer) && issuer.ValueKind == JsonValueKind.String
        && idp.TryGetProperty("clientId", out var client) && client.ValueKind == JsonValueKind.String;

    private static SettingsProblem Place(PolicyDocument document, SchemaProblem problem)
    {
        ConfigPosition? position = null;
        for (var place = problem.Place; place is not null && position is null; place = place.Parent)
        {
            position = document.Positions.TryGetValue(place.Pointer, out var found) ? found : null;
        }

        return new SettingsProblem(problem.Severity, problem.Place.Pointer, document.Path + problem.Place.Path, position, problem.Message, problem.Suggestion);
    }
}
