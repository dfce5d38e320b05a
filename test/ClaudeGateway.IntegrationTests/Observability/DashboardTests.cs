using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>deploy/grafana/claude-gateway.json before a Prometheus that has scraped a gateway with traffic.</summary>
public sealed class DashboardTests
{
    /// <summary>By title and legend: no TLS here, nothing that reloads, and no fault of the gateway's own.</summary>
    private static readonly string[] Empty =
    [
        "Days until the certificate ends: {{instance}}",
        "Reloads: {{claude_gateway_result}}",
        "Messages by who failed: gateway",
    ];

    private static readonly TimeSpan Driven = TimeSpan.FromSeconds(12);

    [Fact]
    public async Task Every_query_of_the_dashboard_has_an_answer()
    {
        await using var traffic = await WatchedTraffic.StartAsync();
        var from = TimeProvider.System.GetUtcNow();
        await DriveAsync(traffic);
        var to = TimeProvider.System.GetUtcNow();

        List<(JsonElement Panel, IReadOnlyList<ChartLine> Lines)> charts = [];
        List<string> wrong = [];
        foreach (var panel in Panels())
        {
            List<ChartLine> lines = [];
            foreach (var target in panel.GetProperty("targets").EnumerateArray())
            {
                var query = Filled(target.GetProperty("expr").GetString()!);
                var answer = await traffic.Prometheus.RangeAsync(query, from, to);
                var legend = target.GetProperty("legendFormat").GetString()!;
                lines.AddRange(answer.Select(series => new ChartLine(Filled(legend, series), series.Points)));
                var name = $"{panel.GetProperty("title").GetString()}: {legend}";
                var isAnswered = answer.Any(series => series.Points.Any(point => double.IsFinite(point.Value)));
                if (isAnswered == Empty.Contains(name))
                {
                    wrong.Add($"{name}: {(isAnswered ? "something" : "nothing")} for {query}");
                }
            }

            charts.Add((panel, lines));
        }

        var report = Repository.File("artifacts/dashboard.html");
        await File.WriteAllTextAsync(report, DashboardReport.Html(charts, from, to));
        TestContext.Current.SendDiagnosticMessage($"charted in {report}");
        Assert.Empty(wrong);
    }

    /// <summary>Until the gateway has counted its machines, which it does every ten seconds.</summary>
    private static async Task DriveAsync(WatchedTraffic traffic)
    {
        // Long enough for the delay of events, of which one in 64 is timed.
        traffic.Gateway.First.Text = string.Join(' ', Enumerable.Repeat("word", 200));
        var limited = (await traffic.Host.SignInAsync()).AccessToken;
        traffic.Gateway.Idp.User["sub"] = "bob";
        var token = await traffic.Host.SignInAsync();
        var from = TimeProvider.System.GetTimestamp();
        for (var since = TimeSpan.Zero; since < Driven || !await AreMachinesCountedAsync();)
        {
            since = TimeProvider.System.GetElapsedTime(from);
            Assert.True(since < Signal.Timeout, "no machine was counted");
            token = await traffic.Host.RefreshAsync(token.RefreshToken);
            await WorkAsync(traffic, token.AccessToken);
            await traffic.MessageAsync(limited);
            if (since > Driven / 2)
            {
                await traffic.LimitAsync();
            }
        }

        async Task<bool> AreMachinesCountedAsync() =>
            (await traffic.Prometheus.QueryAsync("claude_gateway_machines")).Count > 0;
    }

    private static async Task WorkAsync(WatchedTraffic traffic, string bearer)
    {
        var (first, second) = (traffic.Gateway.First, traffic.Gateway.Second);
        await traffic.MessageAsync(bearer);
        await traffic.FailedOverMessageAsync(bearer);
        // Nobody is left to serve it.
        first.NextError(500);
        second.NextError(500);
        await traffic.MessageAsync(bearer);
        first.NextError(400, "invalid_request_error");
        await traffic.MessageAsync(bearer);
        first.NextResetMidEvent();
        await Assert.ThrowsAnyAsync<Exception>(() => traffic.MessageAsync(bearer));
        await traffic.MessageAsync("nobody");
        await traffic.ExportAsync(bearer, isTaken: true);
        await traffic.ExportAsync(bearer, isTaken: false);
        (await traffic.Host.PostFormAsync("/oauth/revoke", ("token", "unknown"))).Dispose();
        (await traffic.Host.PostFormAsync("/oauth/device_authorization")).Dispose();
    }

    private static IEnumerable<JsonElement> Panels() =>
        JsonDocument.Parse(File.ReadAllText(Repository.File("deploy/grafana/claude-gateway.json")))
            .RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.GetProperty("type").GetString() != "row");

    /// <summary>As Grafana would: its variables are no part of the query language.</summary>
    private static string Filled(string query)
    {
        var filled = query.Replace("$job", ".+", StringComparison.Ordinal)
            .Replace("$__rate_interval", "4s", StringComparison.Ordinal)
            .Replace("[5m]", "[4s]", StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\$[a-z_]", filled);
        return filled;
    }

    private static string Filled(string legend, PrometheusSeries series) =>
        series.Labels.Aggregate(
            legend, (text, label) => text.Replace($"{{{{{label.Key}}}}}", label.Value, StringComparison.Ordinal));
}
