using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Process;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>
/// Reads gateway.yaml into a <see cref="GatewayConfig"/>, or into every problem it has: 1. the file, 2. its YAML,
/// 3. references to the environment and to files, 4. every section by its <see cref="Shapes.Shape"/>, settings
/// documents of policies included. Touches no service.
/// </summary>
internal static class GatewayConfigReader
{
    /// <summary>Of a configuration, wherever it comes from.</summary>
    public const long MaxBytes = 16 * 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="inForce">What a running gateway began with: its values of keys that take a restart are kept; null
    /// for a gateway that starts.</param>
    public static ConfigReadResult Read(string path, ProcessEnvironment environment, ConfigReadResult? inForce = null)
    {
        byte[] bytes;
        try
        {
            if (Directory.Exists(path))
            {
                return ConfigReadResult.Unreadable(path, $"{path} is a directory, not a file");
            }

            if (!File.Exists(path))
            {
                return ConfigReadResult.Unreadable(path, $"{path} does not exist");
            }

            if (new FileInfo(path).Length > MaxBytes)
            {
                return ConfigReadResult.Unreadable(path, $"{path} is larger than 16 MiB");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ConfigReadResult.Unreadable(path, $"{path} cannot be read: {e.Message}");
        }

        return Read(path, bytes, environment, inForce);
    }

    /// <param name="path">Only names the file.</param>
    /// <param name="inForce">As above.</param>
    /// <param name="foundAtStart">Required keys that may be absent (<see cref="ConfigReading.FoundAtStart"/>).</param>
    public static ConfigReadResult Read(
        string path,
        byte[] bytes,
        ProcessEnvironment environment,
        ConfigReadResult? inForce = null,
        IReadOnlySet<string>? foundAtStart = null)
    {
        var reading = new ConfigReading(environment, inForce?.FixedValues)
        {
            FoundAtStart = foundAtStart ?? new HashSet<string>(),
        };
        ConfigNode? root = null;
        GatewayConfig? config = null;
        try
        {
            var text = StrictUtf8.GetString(bytes).TrimStart('\uFEFF');
            var document = YamlComposer.Compose(text, (position, warning) => reading.Warn(position, "", warning));
            root = new ReferenceExpansion(reading).Expand(document, "");
            if (RootSection.Shape.TryRead(root, reading, out var read))
            {
                config = read with
                {
                    Path = path,
                    Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
                    Warnings = [.. reading.Warnings.Select(warning => warning.Describe(path))],
                };
            }
        }
        catch (DecoderFallbackException e)
        {
            reading.Problem(new ConfigPosition(1, 1), "", $"not UTF-8: byte {e.Index} begins no character");
        }
        catch (YamlReadException e)
        {
            reading.Problem(e.Position, "", e.Message);
        }

        config = reading.ProblemCount == 0 ? config : null;
        return new ConfigReadResult(path, config, reading.Problems, reading.Warnings, root)
        {
            FixedValues = reading.FixedValues,
            NeedRestart = reading.NeedRestart,
        };
    }
}

/// <summary>What reading a configuration gave: the configuration, or its problems.</summary>
/// <param name="Config">Null when there are problems.</param>
/// <param name="Root">The resolved document, for printing; null when the file is no YAML.</param>
internal sealed record ConfigReadResult(
    string Path,
    GatewayConfig? Config,
    IReadOnlyList<ConfigProblem> Problems,
    IReadOnlyList<ConfigProblem> Warnings,
    ConfigNode? Root)
{
    /// <summary>One readable line per problem.</summary>
    public IReadOnlyList<string> Errors => FileProblem is { } problem ? [problem]
        : AbsentFile is { } file && Problems.Count > 0
            ? [
                $"{file} does not exist, so the environment is the configuration: {Describe(Problems[0])}",
                .. Problems.Skip(1).Select(Describe)]
        : [.. Problems.Select(Describe)];

    /// <summary>By path, what a running gateway keeps of this configuration whatever a later file says.</summary>
    public IReadOnlyDictionary<string, FixedValue> FixedValues { get; init; } = new Dictionary<string, FixedValue>();

    /// <summary>
    /// Paths of the keys that the file changes but a running gateway cannot; empty for a gateway that starts.
    /// </summary>
    public IReadOnlyList<string> NeedRestart { get; init; } = [];

    /// <summary>The file that would have been read if it were there; null when none was looked for.</summary>
    public string? AbsentFile { get; init; }

    /// <summary>Says where a problem is in other words than file, line and column; null for a file.</summary>
    public Func<ConfigProblem, string>? DescribeProblem { get; init; }

    private string Describe(ConfigProblem problem) =>
        DescribeProblem is null ? problem.Describe(Path) : DescribeProblem(problem);

    private string? FileProblem { get; init; }

    public static ConfigReadResult Unreadable(string path, string problem) => new(path, null, [], [], null)
    {
        FileProblem = problem,
    };
}
