using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Json;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary><c>spend export</c>: the limits that are there, as the file that <c>spend apply</c> takes.</summary>
internal static class ExportCommand
{
    /// <summary>Texts in double quotes are the same in JSON and in YAML.</summary>
    private static readonly JsonText Quoted = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create() => AdminCommand.Build(
        "export",
        "Print every limit as the file that 'spend apply' takes.",
        [],
        async (client, _, format, cancellation) =>
        {
            if (format == ReportFormat.Csv)
            {
                throw new OperatorException(
                    "export prints YAML, or JSON with --json; --csv is for 'spend limits list'");
            }

            LimitState[] limits = [.. (await client.ListLimitsAsync(null, cancellation)).Select(LimitState.Of)];
            return format == ReportFormat.Json ? Json(limits) : Yaml(limits);
        });

    private static string Json(IReadOnlyList<LimitState> limits)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            new JsonObject { ["limits"] = new JsonArray([.. limits.Select(limit => limit.ToJson())]) }.WriteTo(json);
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    public static string Yaml(IReadOnlyList<LimitState> limits)
    {
        var text = new StringBuilder("# Amounts are cents; null is no limit, whatever wider ones say.\nlimits:");
        text.Append(limits.Count == 0 ? " []\n" : "\n");
        foreach (var limit in limits)
        {
            var json = limit.ToJson();
            var scope = string.Join(
                ", ", json["scope"]!.AsObject().Select(member => $"{member.Key}: {Text(member.Key, member.Value!)}"));
            text.Append("  - scope: { ").Append(scope).Append(" }\n")
                .Append("    period: ").Append(limit.Target.Period.Name()).Append('\n')
                .Append("    amount: ").Append(Amount(limit.Amount)).Append('\n');
            if (limit.Pool is { } pool)
            {
                text.Append("    pooled_budget: { amount: \"").Append(pool.Amount).Append("\", paused: ")
                    .Append(pool.IsPaused ? "true" : "false").Append(" } # ")
                    .Append(LimitState.Dollars(pool.Amount)).Append(" dollars\n");
            }
        }

        return text.ToString();
    }

    private static string Amount(string? cents) =>
        cents is null ? "null" : $"\"{cents}\" # {LimitState.Dollars(cents)} dollars";

    /// <summary>Types are words of ours, ids may be anything.</summary>
    private static string Text(string key, JsonNode value) =>
        key is "type" ? value.GetValue<string>() : JsonSerializer.Serialize(value.GetValue<string>(), Quoted.String);
}
