using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace ClaudeGateway.Cli.Admin;

/// <summary><c>claude-gateway machines</c>: how many machines run which version of the managed settings.</summary>
internal static class MachinesCommand
{
    private static readonly IReadOnlyList<ReportColumn> Columns =
    [
        new("version", row => row.GetProperty("version").ToString()),
        new("machines", row => row.GetProperty("machines").ToString(), IsNumber: true),
        new("current", row => row.GetProperty("current").ValueKind switch
        {
            JsonValueKind.True => "yes",
            JsonValueKind.False => "no",
            _ => "unknown",
        }),
        new("served to", row => string.Join("; ", row.GetProperty("policies").EnumerateArray().Select(Policy))),
        new("oldest seen", row => row.GetProperty("oldest_seen_at").ToString()),
        new("newest seen", row => row.GetProperty("newest_seen_at").ToString()),
    ];

    public static Command Create()
    {
        var days = new Option<int>("--days")
        {
            Description = "Count machines seen in so many days, 1 to 30.",
            DefaultValueFactory = _ => 7,
            HelpName = "days",
        };
        return AdminCommand.WithOptions(AdminCommand.Build(
            "machines",
            "How many machines run which version of the managed settings, over the admin API."
            + AdminCommand.Credentials,
            [days],
            async (client, parsed, format, cancellation) =>
            {
                var answer = await client.SettingsVersionsAsync(parsed.GetValue(days), cancellation);
                return Report.Write([.. answer.GetProperty("data").EnumerateArray()], Columns, format);
            }));
    }

    /// <summary>A policy as gateway.yaml has it: its place, and whom it matches.</summary>
    private static string Policy(JsonElement policy)
    {
        var indexes = policy.TryGetProperty("policy_indexes", out var several)
            ? string.Join('+', several.EnumerateArray().Select(index => index.GetInt32()))
            : policy.GetProperty("policy_index").GetInt32().ToString(CultureInfo.InvariantCulture);
        IEnumerable<string> matched = [
            .. policy.GetProperty("groups").EnumerateArray().Select(group => group.ToString()),
            policy.GetProperty("email_domain").ToString()];
        var conditions = string.Join(' ', matched.Where(condition => condition.Length > 0));
        return $"policies[{indexes}] {(conditions.Length == 0 ? "everybody" : conditions)}";
    }
}
