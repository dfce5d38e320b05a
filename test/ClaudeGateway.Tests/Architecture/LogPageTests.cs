using System.Text.RegularExpressions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Architecture;

/// <summary>docs/log.md names every line and every event that the source writes, and none that it does not.</summary>
public sealed partial class LogPageTests
{
    private static readonly Lazy<SourceLog> Source = new(SourceLog.Read);

    private static readonly Lazy<string> Page = new(() => File.ReadAllText(Repository.File("docs/log.md")));

    /// <summary>
    /// Calls that hand on a text made elsewhere. A new one is a decision: its texts need words on the page, too.
    /// </summary>
    private static readonly string[] Carriers =
    [
        "error Composition/ConfigReload.cs: …: …", // What check says of the file, or what a service answered.
        "error Process/BackgroundLoop.cs: …", // The consequence, read where each loop is started.
        "error Process/BackgroundLoop.cs: …: …: …",
        "info Composition/BootReport.cs: …", // BootReport.Lines is read; the retirements have their row by hand.
        "info Composition/GatewayApp.cs: …", // Places that the cloud named.
        "warn Composition/BootReport.cs: …", // What check warns of.
        "warn Outbound/OutboundHttp.cs: …", // NODE_EXTRA_CA_CERTS.
        "warn Storage/PostgresTls.cs: …",
        "warn Telemetry/DestinationReport.cs: …: …", // The condition, read where it is reported.
    ];

    [Fact]
    public void Every_line_has_its_row_and_every_row_its_line() =>
        Same(Source.Value.Lines, Rows("log").Select(row => $"{row[0]} {Code(row[1])}"));

    [Fact]
    public void Texts_made_elsewhere_are_handed_on_where_it_is_known() => Same(Source.Value.Carriers, Carriers);

    [Fact]
    public void Every_event_has_its_row_with_its_fields_and_every_row_its_event() =>
        Same(
            Source.Value.Events.SelectMany(e => e.Value.Select(field => $"{e.Key}: {field}")),
            Rows("audit").SelectMany(
                row => Name().Matches(row[2]).Select(field => $"{Code(row[0])}: {field.Groups[1].Value}")));

    [Fact]
    public void Every_field_is_explained_once() =>
        Same(
            Source.Value.Events.SelectMany(e => e.Value).Distinct(),
            Rows("fields").SelectMany(row => Name().Matches(row[0]).Select(field => field.Groups[1].Value)));

    private static void Same(IEnumerable<string> source, IEnumerable<string> page)
    {
        var written = source.ToList();
        var told = page.ToList();
        var wrong = written.Except(told).Select(one => $"only in the source: {one}")
            .Concat(told.Except(written).Select(one => $"only on the page: {one}"))
            .Concat(told.GroupBy(one => one).Where(same => same.Count() > 1).Select(same => $"twice: {same.Key}"))
            .ToList();
        Assert.NotEmpty(written);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>The cells of all rows between the mark <c>&lt;!-- name --&gt;</c> and the next.</summary>
    private static IEnumerable<string[]> Rows(string name)
    {
        var from = Page.Value.IndexOf($"<!-- {name} -->", StringComparison.Ordinal);
        Assert.True(from >= 0, $"docs/log.md has no mark {name}");
        var to = Page.Value.IndexOf($"<!-- end {name} -->", from, StringComparison.Ordinal);
        return Page.Value[from..to].Split('\n')
            .Where(
                line => line.StartsWith("| ", StringComparison.Ordinal) && line.Contains('`', StringComparison.Ordinal))
            .Select(line => line.Split(" | ").Select(cell => cell.Trim('|', ' ')).ToArray());
    }

    private static string Code(string cell) => cell.Trim('`', ' ');

    [GeneratedRegex("`([a-zA-Z_0-9]+)`")]
    private static partial Regex Name();
}
