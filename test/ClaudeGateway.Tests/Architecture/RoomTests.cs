using System.Text.RegularExpressions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Architecture;

/// <summary>
/// The rooms of ARCHITECTURE.md are layers: every arrow goes down, and the page says which there are.
/// </summary>
public sealed partial class RoomTests
{
    private const int MaxFilesOfOneFolder = 20;

    /// <summary>
    /// Every room and whom it may use, lowest first. An arrow that is not here does not exist; one that is, does.
    /// </summary>
    private static readonly (string Room, string[] Uses)[] Allowed =
    [
        ("Json", []),
        ("Instrumentation", []),
        ("Logging", ["Json", "Instrumentation"]),
        ("Process", ["Logging"]),
        ("Net", []),
        ("Models", []),
        ("Settings", ["Json"]),
        ("Config", ["Json", "Process", "Net", "Models", "Settings"]),
        ("Storage", ["Logging", "Process", "Net", "Config"]),
        ("Outbound", ["Logging", "Process", "Net"]),
        ("Sessions", ["Json", "Logging", "Process", "Config", "Storage"]),
        ("Http", ["Json", "Instrumentation", "Logging", "Process", "Net", "Config", "Sessions"]),
        ("Credentials", ["Json", "Logging", "Process", "Net", "Config", "Outbound", "Sessions"]),
        ("Sources", ["Logging", "Process", "Net", "Config", "Outbound", "Credentials"]),
        ("Telemetry", ["Instrumentation", "Logging", "Process", "Config", "Outbound", "Http", "Credentials"]),
        ("Spend",
        [
            "Json", "Instrumentation", "Logging", "Process", "Config", "Storage", "Outbound", "Sessions", "Http",
        ]),
        ("Managed",
        [
            "Json", "Instrumentation", "Logging", "Process", "Models", "Settings", "Config", "Storage", "Sessions",
            "Http",
        ]),
        ("SignIn",
        [
            "Json", "Instrumentation", "Logging", "Process", "Config", "Storage", "Outbound", "Sessions", "Http",
        ]),
        ("Upstreams",
        [
            "Json", "Logging", "Process", "Models", "Config", "Outbound", "Sessions", "Http", "Credentials",
        ]),
        ("Messages",
        [
            "Json", "Instrumentation", "Logging", "Process", "Models", "Sessions", "Http", "Credentials", "Spend",
            "Managed", "Upstreams",
        ]),
        ("Admin", ["Json", "Logging", "Config", "Storage", "Sessions", "Http", "Spend", "Managed"]),
        ("Observability",
        [
            "Instrumentation", "Logging", "Process", "Config", "Outbound", "Http", "Credentials", "Telemetry",
        ]),
        ("Import", ["Logging", "Process", "Storage", "Spend"]),
        ("Dev", ["Json", "Process"]),
        ("Composition",
        [
            "Instrumentation", "Logging", "Process", "Models", "Config", "Storage", "Outbound", "Sessions", "Http",
            "Credentials", "Sources", "Telemetry", "Spend", "Managed", "SignIn", "Upstreams", "Messages", "Admin",
            "Observability", "Import",
        ]),
        ("Cli",
        [
            "Json", "Instrumentation", "Logging", "Process", "Net", "Models", "Settings", "Config", "Storage",
            "Outbound", "Sessions", "Http", "Credentials", "Sources", "Telemetry", "Spend", "Managed", "SignIn",
            "Upstreams", "Messages", "Admin", "Import", "Dev", "Composition",
        ]),
        ("(root)", ["Process", "Cli"]),
    ];

    private static readonly Lazy<SourceArrows> Source = new(SourceArrows.Read);

    [Fact]
    public void Every_arrow_is_allowed_and_every_allowed_arrow_exists()
    {
        var wrong = new List<string>();
        var actual = Source.Value.ByRoom();
        foreach (var (room, uses) in Allowed)
        {
            var used = actual.GetValueOrDefault(room) ?? [];
            wrong.AddRange(
                used.Except(uses)
                .SelectMany(to => Source.Value.Uses(room, to).Select(use => $"{room} → {to} is not allowed: {use}")));
            wrong.AddRange(uses.Except(used).Select(to => $"{room} → {to} is allowed and there is none"));
        }

        wrong.AddRange(
            actual.Keys.Except(Allowed.Select(row => row.Room)).Select(room => $"the room {room} is not in the table"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Every_arrow_goes_down()
    {
        var lower = new HashSet<string>();
        foreach (var (room, uses) in Allowed)
        {
            Assert.All(uses, used => Assert.Contains(used, lower));
            Assert.True(lower.Add(room), $"{room} is there twice");
        }
    }

    [Fact]
    public void The_page_shows_the_same_table()
    {
        var page = File.ReadAllText(Repository.File("ARCHITECTURE.md"));
        var table = page[page.IndexOf("\n## Arrows\n", StringComparison.Ordinal)..];
        var rows = Row().Matches(table[..table.IndexOf("\n## ", 1, StringComparison.Ordinal)])
            .Select(
                row =>
                    $"{row.Groups["room"].Value}: "
                        + $"{string.Join(", ", Name().Matches(row.Groups["uses"].Value).Select(name => name.Groups[1].Value))}");

        Assert.Equal(Allowed.Select(row => $"{row.Room}: {string.Join(", ", row.Uses)}"), rows);
    }

    [Fact]
    public void Namespaces_follow_folders()
    {
        var root = Repository.File("src/ClaudeGateway");
        Assert.All(Source.Value.Files(), file =>
        {
            var folder = Path.GetRelativePath(root, Path.GetDirectoryName(file)!);
            if (folder != ".")
            {
                Assert.Contains(
                    $"\nnamespace ClaudeGateway.{folder.Replace(Path.DirectorySeparatorChar, '.')};\n",
                    "\n" + File.ReadAllText(file),
                    StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public void No_folder_is_a_heap() =>
        Assert.Empty(
            Source.Value.Files().GroupBy(file => Path.GetDirectoryName(file))
            .Where(folder => folder.Count() > MaxFilesOfOneFolder)
            .Select(folder => $"{folder.Key} has {folder.Count()} files, more than {MaxFilesOfOneFolder}"));

    [GeneratedRegex(@"^\| (?:`(?<room>[A-Za-z]+)`|(?<room>\(root\))) \| (?<uses>[^|]*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z]+)`")]
    private static partial Regex Name();
}
