using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ClaudeGateway.Cli.Admin;

internal enum ReportFormat
{
    /// <summary>Aligned columns for people.</summary>
    Table,

    /// <summary>The API's own objects, one array.</summary>
    Json,

    /// <summary>RFC 4180.</summary>
    Csv,
}

/// <summary>A column of a report: what it is called and what it shows of a row.</summary>
internal sealed record ReportColumn(string Name, Func<JsonElement, string> Show, bool IsNumber = false);

/// <summary>Prints rows of the admin API for people or for machines.</summary>
internal static class Report
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(
        IReadOnlyList<JsonElement> rows, IReadOnlyList<ReportColumn> columns, ReportFormat format) => format switch
        {
            ReportFormat.Json => Json(rows),
            ReportFormat.Csv => Csv(rows, columns),
            _ => Table(rows, columns),
        };

    private static string Json(IReadOnlyList<JsonElement> rows)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartArray();
            foreach (var row in rows)
            {
                row.WriteTo(json);
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static string Csv(IReadOnlyList<JsonElement> rows, IReadOnlyList<ReportColumn> columns)
    {
        var text = new StringBuilder();
        text.AppendJoin(',', columns.Select(column => Cell.Csv(column.Name, isNumber: false))).Append("\r\n");
        foreach (var row in rows)
        {
            text.AppendJoin(',', columns.Select(column => Cell.Csv(column.Show(row), column.IsNumber))).Append("\r\n");
        }

        return text.ToString();
    }

    private static string Table(IReadOnlyList<JsonElement> rows, IReadOnlyList<ReportColumn> columns)
    {
        if (rows.Count == 0)
        {
            return "Nothing there.\n";
        }

        List<string[]> cells = [
            [.. columns.Select(column => column.Name.ToUpperInvariant())],
            .. rows.Select(row => columns.Select(column => Terminal.Printable(column.Show(row))).ToArray())];
        var widths = columns.Select((_, i) => cells.Max(line => line[i].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var line in cells)
        {
            var padded = line.Select(
                (cell, i) => columns[i].IsNumber ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            text.Append(string.Join("  ", padded).TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}

/// <summary>Text from a gateway made safe for where it is shown.</summary>
internal static class Cell
{
    /// <summary>Quoted by RFC 4180; text that a spreadsheet would run as a formula gets a quote in front.</summary>
    public static string Csv(string text, bool isNumber)
    {
        var safe = !isNumber && text.Length > 0 && "=+-@\t\r".Contains(text[0], StringComparison.Ordinal)
            ? "'" + text
            : text;
        return safe.AsSpan().IndexOfAny("\",\r\n") < 0
            ? safe
            : $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
