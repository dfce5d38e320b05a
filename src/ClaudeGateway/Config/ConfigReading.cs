using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Process;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>
/// What one reading of a configuration file finds: its problems and warnings, gathered rather than thrown.
/// </summary>
/// <param name="environment">What references in the file are looked up in.</param>
/// <param name="inForce">Values that a running gateway cannot change, by path; null for a gateway that starts.</param>
internal sealed class ConfigReading(
    ProcessEnvironment environment, IReadOnlyDictionary<string, FixedValue>? inForce = null)
{
    private readonly Dictionary<string, FixedValue> _fixedValues = new(StringComparer.Ordinal);
    private readonly List<string> _needRestart = [];

    private readonly List<ConfigProblem> _problems = [];
    private readonly List<ConfigProblem> _warnings = [];

    public ProcessEnvironment Environment => environment;

    /// <summary>
    /// Paths of required keys that may be absent all the same, because the gateway finds their values by itself when it
    /// starts. Empty for a file.
    /// </summary>
    public IReadOnlySet<string> FoundAtStart { get; init; } = new HashSet<string>();

    /// <summary>managed.unknown_settings: warn; known before the documents it speaks of are read.</summary>
    public bool WarnOnUnknownSettings { get; set; }

    /// <summary>
    /// What settings documents are checked with: managed.settings_schema, known before the documents are read; null
    /// while that file has problems.
    /// </summary>
    public SettingsSchemas? SettingsSchemas { get; set; } = SettingsSchemas.BuiltIn;

    /// <summary>
    /// Those of a starting gateway as the file gives them, those of a running one as they were in force.
    /// </summary>
    public IReadOnlyDictionary<string, FixedValue> FixedValues => _fixedValues;

    /// <summary>Paths of the keys whose new value takes a restart, in the order of the sections.</summary>
    public IReadOnlyList<string> NeedRestart => _needRestart;

    public int ProblemCount => _problems.Count;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ConfigProblem> Problems => Sorted(_problems);

    public IReadOnlyList<ConfigProblem> Warnings => Sorted(_warnings);

    public void Problem(ConfigNode node, string text) => Problem(node.Position, node.Path, text);

    public void Problem(ConfigPosition position, string path, string text) =>
        _problems.Add(new ConfigProblem(position, path, text));

    public void Warn(ConfigNode node, string text) => Warn(node.Position, node.Path, text);

    public void Warn(ConfigPosition position, string path, string text) =>
        _warnings.Add(new ConfigProblem(position, path, text));

    /// <summary>The value to go on with: the one in force, or at the first reading the given one itself.</summary>
    public FixedValue Keep(string path, FixedValue given)
    {
        var kept = given;
        if (inForce is not null && inForce.TryGetValue(path, out var old))
        {
            kept = old;
            if (!string.Equals(old.Text, given.Text, StringComparison.Ordinal))
            {
                _needRestart.Add(path);
            }
        }

        return _fixedValues[path] = kept;
    }

    private static List<ConfigProblem> Sorted(List<ConfigProblem> problems) =>
        [.. problems.Distinct().OrderBy(problem => problem.Position.Line).ThenBy(problem => problem.Position.Column)];
}

/// <summary>A value that a running gateway cannot change (<see cref="Shapes.Key.NeedsRestart"/>).</summary>
/// <param name="Text">As JSON, for comparing; may hold secrets. Null when the key has neither value nor
/// default.</param>
/// <param name="Value">What the key's shape made of it.</param>
/// <param name="IsGiven">Whether the file gives the key.</param>
internal sealed record FixedValue(string? Text, object? Value, bool IsGiven)
{
    /// <summary>Nothing of it may be printed.</summary>
    public override string ToString() => nameof(FixedValue);
}

/// <summary>
/// One thing wrong with a configuration file. <paramref name="Text"/> says what is wrong and what is allowed, and holds
/// no secret.
/// </summary>
internal sealed record ConfigProblem(ConfigPosition Position, string Path, string Text)
{
    /// <summary>The line an operator reads: <c>gateway.yaml:14:3 oidc.issuer: must be …</c>.</summary>
    public string Describe(string file) => OneLine(Path.Length == 0
        ? $"{file}:{Position.Line}:{Position.Column} {Text}"
        : $"{file}:{Position.Line}:{Position.Column} {Path}: {Text}");

    /// <summary>
    /// Keys of the file stand in paths: they must not be able to write a second line or steer a terminal.
    /// </summary>
    private static string OneLine(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;
}
