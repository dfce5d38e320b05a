using System.Text.RegularExpressions;
using ClaudeGateway.Dev;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Dev;

/// <summary>Nothing made for trying the gateway may be reachable from a gateway that does its job.</summary>
public sealed class DevIsolationTests
{
    [Fact]
    public void Only_the_command_line_knows_the_development_types()
    {
        var source = Repository.File("src/ClaudeGateway");
        var types = typeof(DevServer).Assembly.GetTypes()
            .Where(t => t.Namespace == typeof(DevServer).Namespace && !t.IsNested && !t.Name.StartsWith('<'))
            .Select(t => t.Name).ToList();
        Assert.True(types.Count > 10);
        var word = new Regex($@"\b({string.Join('|', types)}|ClaudeGateway\.Dev)\b");

        var users = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(
                file =>
                    !file.StartsWith(
                        Path.Combine(source, "Dev") + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .Where(file => word.IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(source, file));
        Assert.Equal(["Cli/CommandLine.cs", "Cli/DevCommand.cs"], users.Order(StringComparer.Ordinal));
    }
}
