using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>One line of a chart, by time (seconds since 1970).</summary>
internal sealed record ChartLine(string Name, IReadOnlyList<(double Time, double Value)> Points);

/// <summary>A page that shows what a dashboard's queries answered, laid out as the dashboard is.</summary>
internal static class DashboardReport
{
    private static readonly string[] Colours =
        ["#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b7a000", "#13827c", "#7a4b2a", "#555", "#d14ba8"];

    public static string Html(
        IEnumerable<(JsonElement Panel, IReadOnlyList<ChartLine> Lines)> charts, DateTimeOffset from, DateTimeOffset to)
    {
        var page = new StringBuilder(
            """
            <!doctype html><meta charset="utf-8"><title>Dashboard</title><style>
            body{font:12px sans-serif;margin:8px;background:#f4f5f5}
            main{display:grid;grid-template-columns:repeat(24,1fr);grid-auto-rows:24px;gap:4px}
            section{background:#fff;border:1px solid #ddd;padding:4px;overflow:hidden}
            section{display:flex;flex-direction:column}
            b{white-space:nowrap}svg{flex:1;min-height:0;width:100%}
            p{margin:0;line-height:1.2}.big{font-size:26px;color:#37872d}
            </style><main>
            """);
        foreach (var (panel, lines) in charts)
        {
            var place = panel.GetProperty("gridPos");
            int Of(string name) => place.GetProperty(name).GetInt32();
            page.Append(
                CultureInfo.InvariantCulture,
                $"<section style=\"grid-area:{Of("y") + 1}/{Of("x") + 1}/span {Of("h")}/span {Of("w")}\">");
            page.Append(CultureInfo.InvariantCulture, $"<b>{Text(panel, "title")}</b>");
            var unit = panel.GetProperty("fieldConfig").GetProperty("defaults").GetProperty("unit").GetString()!;
            if (lines.Count == 0)
            {
                page.Append("<p>no data</p>");
            }
            else if (panel.GetProperty("type").GetString() == "stat")
            {
                page.Append(CultureInfo.InvariantCulture, $"<p class=big>{lines[0].Points[^1].Value:G4} {unit}</p>");
            }
            else
            {
                Chart(page, lines, unit, from.ToUnixTimeSeconds(), to.ToUnixTimeSeconds());
            }

            page.Append("</section>");
        }

        return page.Append("</main>").ToString();
    }

    private static void Chart(StringBuilder page, IReadOnlyList<ChartLine> lines, string unit, double from, double to)
    {
        var values = lines.SelectMany(line => line.Points).Select(p => p.Value).Where(double.IsFinite).ToList();
        var most = values.Count == 0 || values.Max() <= 0 ? 1 : values.Max();
        page.Append(CultureInfo.InvariantCulture, $"<p>at most {most:G4} {unit}</p>");
        page.Append("<svg viewBox=\"0 0 600 100\" preserveAspectRatio=none>");
        for (var i = 0; i < lines.Count; i++)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<polyline fill=none stroke-width=2 stroke=\"{Colours[i % Colours.Length]}\" points=\"");
            foreach (var (time, value) in lines[i].Points.Where(p => double.IsFinite(p.Value)))
            {
                var (x, y) = (600 * (time - from) / (to - from), 98 - (96 * value / most));
                page.Append(CultureInfo.InvariantCulture, $"{x:F1},{y:F1} ");
            }

            page.Append("\"/>");
        }

        page.Append("</svg><p>");
        for (var i = 0; i < lines.Count; i++)
        {
            var name = WebUtility.HtmlEncode(lines[i].Name);
            page.Append(
                CultureInfo.InvariantCulture,
                $"<span style=\"color:{Colours[i % Colours.Length]}\">&#9632; {name}</span> ");
        }

        page.Append("</p>");
    }

    private static string Text(JsonElement panel, string name) =>
        WebUtility.HtmlEncode(panel.GetProperty(name).GetString()!);
}
