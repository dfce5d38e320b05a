using System.Text.RegularExpressions;
using ClaudeGateway.Cli;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Config;

/// <summary>
/// The guides in docs/deploy: whoever copies a gateway.yaml, values of the chart or variables of Terraform from them
/// gets what this version reads. A block says by its first line what it is.
/// </summary>
public sealed partial class GuideTests : IDisposable
{
    private const string GatewayYaml = "# gateway.yaml";
    private const string ChartValues = "# my-values.yaml";
    private const string TerraformVariables = "# my.tfvars";

    private readonly TemporaryFolder _folder = new();
    private readonly CertificateFiles _certificate = new("claude.example.com");

    public void Dispose()
    {
        _folder.Dispose();
        _certificate.Dispose();
    }

    [Theory]
    [InlineData("aws.md", 2)]
    [InlineData("azure.md", 2)]
    [InlineData("bare-machine.md", 2)]
    [InlineData("google-cloud.md", 2)]
    public void Every_gateway_yaml_of_a_guide_passes_check(string guide, int atLeast)
    {
        var blocks = Blocks(guide).Select(GatewayYamlOf).OfType<string>().ToList();
        Assert.True(blocks.Count >= atLeast, $"{guide}: {blocks.Count} gateway.yaml");
        foreach (var block in blocks)
        {
            using var output = new StringWriter();
            using var errors = new StringWriter();
            var environment = EnvironmentOf(block);
            var file = _folder.File("gateway.yaml");
            File.WriteAllText(file, AbsolutePath().Replace(block, match => FileFor(match.Value)));
            var exitCode = CheckCommand.Run(
                ServeCommand.Read(file, environment), print: false, environment, output, errors);
            Assert.True(exitCode == 0, $"{guide}: {errors}\n{block}");
        }
    }

    [Theory]
    [InlineData("aws.md", "ecs")]
    [InlineData("google-cloud.md", "cloud-run")]
    public void Every_Terraform_variable_of_a_guide_is_one_of_the_module_and_none_that_it_requires_is_missing(
        string guide, string module)
    {
        var declared = TerraformVariable()
            .Matches(File.ReadAllText(Repository.File($"deploy/terraform/{module}/variables.tf")))
            .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["body"].Value);
        var block = Assert.Single(Blocks(guide), lines => lines[0] == TerraformVariables);
        var given = block.Skip(1).Select(line => line.Split('=')[0].Trim()).ToHashSet();
        Assert.Empty(given.Except(declared.Keys));
        Assert.Empty(
            declared.Where(variable => !variable.Value.Contains("\n  default ", StringComparison.Ordinal))
                .Select(variable => variable.Key).Except(given));
    }

    private static string? GatewayYamlOf(List<string> block) => block[0] switch
    {
        GatewayYaml => string.Join('\n', block),
        ChartValues => string.Join(
            '\n', block.SkipWhile(line => line != "config:").Skip(1).Select(line => line.Length > 2 ? line[2..] : "")),
        _ => null,
    };

    /// <summary>The lines of each fenced block, without the indentation of its fence.</summary>
    private static List<List<string>> Blocks(string guide)
    {
        var blocks = new List<List<string>>();
        List<string>? open = null;
        var indentation = 0;
        foreach (var line in File.ReadLines(Repository.File($"docs/deploy/{guide}")))
        {
            if (!line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                open?.Add(line.Length > indentation ? line[indentation..] : "");
            }
            else if (open is null)
            {
                (open, indentation) = ([], line.IndexOf('`', StringComparison.Ordinal));
            }
            else
            {
                blocks.Add(open);
                open = null;
            }
        }

        Assert.Null(open);
        return blocks;
    }

    private static ProcessEnvironment EnvironmentOf(string block) => new(
        Variable().Matches(block).Select(match => match.Groups["name"].Value).Distinct()
            .ToDictionary(name => name, _ => new string('x', 64)));

    /// <summary>A file that holds what its name promises, in place of one of the guide's machine.</summary>
    private string FileFor(string path)
    {
        var name = Path.GetFileName(path);
        if (name is "tls_crt" or "tls_key")
        {
            return name == "tls_crt" ? _certificate.CertificatePath : _certificate.KeyPath;
        }

        var file = _folder.File(name);
        File.WriteAllText(
            file, name == "postgres_url" ? "postgres://gateway:secret@localhost/gateway" : new string('x', 64));
        return file;
    }

    [GeneratedRegex(@"/(?:run|etc)/[\w./-]+", RegexOptions.CultureInvariant)]
    private static partial Regex AbsolutePath();

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();

    [GeneratedRegex("variable \"(?<name>\\w+)\" \\{(?<body>.*?)\n\\}", RegexOptions.Singleline)]
    private static partial Regex TerraformVariable();
}
