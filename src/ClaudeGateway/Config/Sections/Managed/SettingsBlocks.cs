using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Process;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Sections.Managed;

/// <summary>
/// The documents inside a policy, checked against the schema of the clients' settings as part of reading the file.
/// </summary>
internal static class SettingsBlocks
{
    public static readonly Shape<PolicyDocument> Cli = new DocumentShape(ConfigSchema.CliReference)
        .Checked((document, _, reading) => Check(schemas => schemas.Cli, document, reading));

    public static readonly Shape<PolicyDocument> Desktop = new DocumentShape(ConfigSchema.DesktopReference)
        .Checked((document, _, reading) => Check(schemas => schemas.Desktop, document, reading));

    /// <returns>Whether the document has no errors; they are listed in <paramref name="reading"/>.</returns>
    public static bool Check(
        Func<SettingsSchemas, SettingsSchema> schema, PolicyDocument document, ConfigReading reading)
    {
        if (reading.SettingsSchemas is not { } schemas)
        {
            return true;
        }

        var before = reading.ProblemCount;
        var known = reading.Problems.Select(problem => problem.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var problem in schema(schemas)
            .Check(
                document,
                reading.WarnOnUnknownSettings,
                variable => ProcessEnvironment.IsTrue(reading.Environment[variable])))
        {
            var position = problem.Position ?? new ConfigPosition(1, 1);
            var text = problem.Suggestion is null
                ? problem.Message
                : $"{problem.Message}; did you mean '{problem.Suggestion}'?";
            if (problem.Severity == ProblemSeverity.Warning)
            {
                reading.Warn(position, problem.Path, text);
            }
            else if (!known.Contains(problem.Path))
            {
                // A value whose reference could not be expanded is listed already.
                if (text.Contains("warn", StringComparison.Ordinal))
                {
                    // Log filters take the line with the allowed values for a warning: the problem must be seen without
                    // it.
                    reading.Problem(position, problem.Path, "has a value that is not allowed");
                }

                reading.Problem(position, problem.Path, text);
            }
        }

        return reading.ProblemCount == before;
    }
}
