using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <summary>
/// What one kind of a policy's documents may hold (spec/settings.md). The two schema files beside this class are data:
/// a client release that adds keys replaces them.
/// </summary>
internal sealed class SettingsSchema
{
    private readonly JsonElement _schema;
    private readonly SchemaValidator _validator;
    private readonly Lazy<SettingsSchema>? _desktop;

    /// <param name="schema">Ours, or one that <see cref="SchemaReview"/> found good.</param>
    /// <param name="desktop">The schema of desktop blocks; null when this is it.</param>
    public SettingsSchema(JsonElement schema, Lazy<SettingsSchema>? desktop)
    {
        _schema = schema;
        _validator = new SchemaValidator(schema);
        _desktop = desktop;
    }

    /// <summary>The schema itself, for a JSON Schema of gateway.yaml.</summary>
    public JsonElement Json => _schema;

    private bool IsDesktop => _desktop is null;

    /// <summary>How two policies' values of a top-level key are merged: the schema's <c>x-merge</c>.</summary>
    public MergeRule MergeRuleOf(string key)
    {
        if (Property(key) is not { } property || !property.TryGetProperty("x-merge", out var rule))
        {
            return MergeRule.Replace;
        }

        return MergeRules.Find(rule.GetString()!)
            ?? throw new NotSupportedException(
                $"the settings schema merges {key} by \"{rule.GetString()}\", which this gateway does not know");
    }

    /// <summary>Every problem of one block, errors and warnings, in document order.</summary>
    /// <param name="warnOnUnknown"><c>managed.unknown_settings: warn</c>: an unknown key is served with a
    /// warning.</param>
    /// <param name="isOn">Whether an environment variable is on that a key needs to be known (<c>x-needs</c>); without
    /// it none is.</param>
    public IReadOnlyList<SettingsProblem> Check(
        PolicyDocument document, bool warnOnUnknown = false, Func<string, bool>? isOn = null)
    {
        if (document.Json.ValueKind != JsonValueKind.Object)
        {
            return [Place(
                document,
                new SchemaProblem(ProblemSeverity.Error, JsonPlace.Root, SchemaProblemKind.WrongType,
                    "must be a map"))];
        }

        using var prepared = IsDesktop ? DesktopText.Expand(document.Json, _schema) : null;
        var problems = _validator.Check(prepared?.RootElement ?? document.Json);
        if (IsDesktop)
        {
            problems.AddRange(
                DesktopText.EmptyValues(document.Json, _schema)
                .Where(empty => !problems.Exists(p => p.Place == empty.Place)));
        }

        foreach (var (key, variable) in Locked(document.Json, isOn))
        {
            var place = JsonPlace.Root.Member(key);
            problems.RemoveAll(p => p.Place == place || p.Place.Parent == place);
            problems.Add(
                new SchemaProblem(
                    ProblemSeverity.Error,
                    place,
                    SchemaProblemKind.UnknownKey,
                    $"unknown settings key without the environment variable {variable}=1"));
        }

        return [.. problems.Select(p => Place(document, Judge(p, warnOnUnknown)))];
    }

    /// <summary>The document's keys that are known only while an environment variable is on, and is not.</summary>
    private List<(string Key, string Variable)> Locked(JsonElement document, Func<string, bool>? isOn)
    {
        var locked = new List<(string, string)>();
        foreach (var key in document.EnumerateObject().Select(member => member.Name))
        {
            if (Property(key) is { } property && property.TryGetProperty("x-needs", out var variable)
                && isOn?.Invoke(variable.GetString()!) != true)
            {
                locked.Add((key, variable.GetString()!));
            }
        }

        return locked;
    }

    /// <summary>What the schema says of a top-level key; null when it says nothing, or nothing but yes or no.</summary>
    public JsonElement? Property(string key) =>
        _schema.GetProperty("properties").TryGetProperty(key, out var property)
        && property.ValueKind == JsonValueKind.Object ? property : null;

    /// <summary>Softens or explains what the schema alone cannot know.</summary>
    private SchemaProblem Judge(SchemaProblem problem, bool warnOnUnknown)
    {
        if (problem.Kind != SchemaProblemKind.UnknownKey || problem.Severity == ProblemSeverity.Warning)
        {
            return problem;
        }

        if (!IsDesktop && problem.Place is { Depth: 2, Parent.Key: "hooks" })
        {
            problem = problem with { Message = "unknown hook event" };
        }
        else if (!IsDesktop && problem.Place is { Depth: 1, Key: { } key } && _desktop!.Value.IsSettable(key))
        {
            problem =
                problem with
                {
                    Message = "unknown settings key: Claude Desktop has it, in the policy's desktop block",
                    Suggestion = null
                };
        }

        return warnOnUnknown
            ? problem with { Severity = ProblemSeverity.Warning, Message = problem.Message + ", served as written" }
            : problem;
    }

    private bool IsSettable(string key) =>
        _schema.TryGetProperty("x-settable", out var names)
        && names.EnumerateArray().Any(name => name.ValueEquals(key));

    private static SettingsProblem Place(PolicyDocument document, SchemaProblem problem)
    {
        ConfigPosition? position = null;
        for (var place = problem.Place; place is not null && position is null; place = place.Parent)
        {
            position = document.Positions.TryGetValue(place.Pointer, out var found) ? found : null;
        }

        return new SettingsProblem(
            problem.Severity,
            problem.Place.Pointer,
            document.Path + problem.Place.Path,
            position,
            problem.Message,
            problem.Suggestion);
    }
}
