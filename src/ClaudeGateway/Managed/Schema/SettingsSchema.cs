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
        if (Property(key) is not { } property || !property.TryGetProperty("x-merge", out var rule))
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
    /// <param name="isOn">Whether an environment variable is on that a key needs to be known (<c>x-needs</c>); without it none is.</param>
    public IReadOnlyList<SettingsProblem> Check(PolicyDocument document, bool warnOnUnknown = false, Func<string, bool>? isOn = null)
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

        foreach (var (key, variable) in Locked(document.Json, isOn))
        {
            var place = JsonPlace.Root.Member(key);
            problems.RemoveAll(p => p.Place == place || p.Place.Parent == place);
            problems.Add(new SchemaProblem(ProblemSeverity.Error, place, SchemaProblemKind.UnknownKey, $"unknown settings key without the environment variable {variable}=1"));
        }

        return [.. problems.Select(p => Place(document, Judge(p, warnOnUnknown)))];
    }

    /// <summary>The document's keys that are known only while an environment variable is on, and is not.</summary>
    private List<(string Key, string Variable)> Locked(JsonElement document, Func<string, bool>? isOn)
    {
        var locked = new List<(string, string)>();
        foreach (var key in document.EnumerateObject().Select(member => member.Name))
        {
            if (Property(key) is { } property && property.TryGetProperty("x-needs", out var variable) && isOn?.Invoke(variable.GetString()!) != true)
            {
                locked.Add((key, variable.GetString()!));
            }
        }

        return locked;
    }

    /// <summary>What the schema says of a top-level key; null when it says nothing, or nothing but yes or no.</summary>
    public JsonElement? Property(string key) =>
        _schema.GetProperty("properties").TryGetProperty(key, out var property) && property.ValueKind == JsonValueKind.Object ? property : null;

    /// <summary>Softens or explains what the schema alone cannot know.</summary>
    private SchemaProblem Judge(SchemaProblem problem, bool warnOnUnknown)
    {
        if (problem.Kind != SchemaProblemKind.UnknownKey || problem.Severity == ProblemSeverity.Warning)
        {
            return problem;
        }

        if (!_isDesktop && problem.Place is { Depth: 2, Parent.Key: "hooks" })
        {
            problem = problem with { Message = "unknown hook event" };
        }
        else if (!_isDesktop && problem.Place is { Depth: 1, Key: { } key } && Desktop.IsSettable(key))
        {
            problem = problem with { Message = "unknown settings key: Claude Desktop has it, in the policy's desktop block", Suggestion = null };
        }

        return warnOnUnknown ? problem with { Severity = ProblemSeverity.Warning, Message = problem.Message + ", served as written" } : problem;
    }

    private bool IsSettable(string key) => _schema.TryGetProperty("x-settable", out var names) && names.EnumerateArray().Any(name => name.ValueEquals(key));

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
