using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Process;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>What one reading of a configuration file finds: its problems and warnings, gathered rather than thrown.</summary>
internal sealed class ConfigReading(ProcessEnvironment environment)
{
    private readonly List<ConfigProblem> _problems = [];
    private readonly List<ConfigProblem> _warnings = [];

    public ProcessEnvironment Environment => environment;

    /// <summary>managed.unknown_settings: warn; known before the documents it speaks of are read.</summary>
    public bool WarnOnUnknownSettings { get; set; }

    /// <summary>What settings documents are checked with: managed.settings_schema, known before the documents are read; null while that file has problems.</summary>
    public SettingsSchemas? SettingsSchemas { get; set; } = SettingsSchemas.BuiltIn;

    public int ProblemCount => _problems.Count;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ConfigProblem> Problems => Sorted(_problems);

    public IReadOnlyList<ConfigProblem> Warnings => Sorted(_warnings);

    public void Problem(ConfigNode node, string text) => Problem(node.Position, node.Path, text);

    public void Problem(ConfigPosition position, string path, string text) => _problems.Add(new ConfigProblem(position, path, text));

    public void Warn(ConfigNode node, string text) => Warn(node.Position, node.Path, text);

    public void Warn(ConfigPosition position, string path, string text) => _warnings.Add(new ConfigProblem(position, path, text));

    private static List<ConfigProblem> Sorted(List<ConfigProblem> problems) =>
        [.. problems.Distinct().OrderBy(problem => problem.Position.Line).ThenBy(problem => problem.Position.Column)];
}

/// <summary>One thing wrong with a configuration file. <paramref name="Text"/> says what is wrong and what is allowed, and holds no secret.</summary>
internal sealed record ConfigProblem(ConfigPosition Position, string Path, string Text)
{
    /// <summary>The line an operator reads: <c>gateway.yaml:14:3 oidc.issuer: must be …</c>.</summary>
    public string Describe(string file) => OneLine(Path.Length == 0
        ? $"{file}:{Position.Line}:{Position.Column} {Text}"
        : $"{file}:{Position.Line}:{Position.Column} {Path}: {Text}");

    /// <summary>Keys of the file stand in paths: they must not be able to write a second line or steer a terminal.</summary>
    private static string OneLine(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;
}
