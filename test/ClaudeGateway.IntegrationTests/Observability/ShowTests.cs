using System.Text.RegularExpressions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>What a gateway shows of itself, as a Prometheus sees it that scrapes it.</summary>
public sealed partial class ShowTests
{
    /// <summary>After four messages, one of them failed over, and one that a limit of a cent refuses.</summary>
    private static readonly (string Query, double Value)[] Shown =
    [
        ("""sum(up{job="claude-gateway"})""", 1),
        ("""sum(claude_gateway_sign_ins_total{claude_gateway_step="authorize",claude_gateway_result="success"})""", 1),
        ("""sum(claude_gateway_sign_ins_total{claude_gateway_step="verify",claude_gateway_result="redirect"})""", 1),
        ("""sum(claude_gateway_sign_ins_total{claude_gateway_step="session",claude_gateway_result="success"})""", 1),
        ("""sum(claude_gateway_refreshes_total{claude_gateway_result="success"})""", 1),
        ("""sum(claude_gateway_revocations_total{claude_gateway_result="success"})""", 1),
        ("sum(claude_gateway_requests_refused_total)", 2),
        (
            """sum(gen_ai_server_request_duration_seconds_count{gen_ai_request_model="claude-sonnet-4-6",error_type=""})""",
            4),
        ("sum(gen_ai_server_time_to_first_token_seconds_count)", 4),
        ("sum(gen_ai_server_time_per_output_token_seconds_count)", 4),
        ("""sum(gen_ai_client_token_usage_sum{gen_ai_token_type="input"})""", 4000),
        ("""sum(claude_gateway_tokens_total{gen_ai_token_type="input"})""", 4000),
        ("""sum(claude_gateway_tokens_total{gen_ai_token_type="output"})""", 2000),
        ("""sum(claude_gateway_cost_USD_total{claude_gateway_group="eng"})""", 0.042),
        ("sum(claude_gateway_cost_USD_total)", 0.042),
        (
            """sum(claude_gateway_upstream_requests_total{claude_gateway_upstream="up0",claude_gateway_outcome="ok"})""",
            3),
        (
            """sum(claude_gateway_upstream_requests_total{claude_gateway_upstream="up0",claude_gateway_outcome="503"})""",
            1),
        (
            """sum(claude_gateway_upstream_requests_total{claude_gateway_upstream="up1",claude_gateway_outcome="ok"})""",
            1),
        ("""sum(claude_gateway_failovers_total{claude_gateway_upstream="up0",claude_gateway_reason="503"})""", 1),
        ("min(claude_gateway_upstream_healthy)", 1),
        (
            """sum(claude_gateway_spend_blocked_total{claude_gateway_cause="over_limit",claude_gateway_limit_source="user",claude_gateway_limit_period="daily"})""",
            1),
        ("sum(claude_gateway_spend_unwritten_USD)", 0),
        ("max(claude_gateway_spend_lag_seconds)", 0),
        ("sum(claude_gateway_spend_rounds_total) > bool 0", 1),
        ("min(claude_gateway_replica_epoch) > bool 0", 1),
        ("max(claude_gateway_replicas)", 1),
        ("""sum(claude_gateway_relay_exports_total{claude_gateway_result="sent"})""", 1),
        ("""sum(claude_gateway_relay_exports_total{claude_gateway_result="dropped"})""", 1),
        ("sum(claude_gateway_relay_queue)", 0),
        ("sum(claude_gateway_open_streams)", 0),
        ("sum(claude_gateway_places_waiting)", 0),
        ("count(claude_gateway_config_info == 1)", 1),
        ("min(claude_gateway_config_last_reload_successful)", 1),
        (
            """sum(http_server_request_duration_seconds_count{http_route="/v1/messages",http_response_status_code="200"})""",
            4),
        (
            """sum(http_server_request_duration_seconds_count{http_route="/v1/messages",http_response_status_code="429"})""",
            1),
        ("sum(http_server_active_requests)", 0),
        ("sum(claude_gateway_stream_event_delay_seconds_count) > bool 0", 1),
        ("sum(claude_gateway_machines)", 1),
        ("count(dotnet_process_memory_working_set_bytes)", 1),
    ];

    [Fact]
    public async Task Every_documented_metric_is_one_of_those_whose_value_is_checked()
    {
        var page = await File.ReadAllTextAsync(Repository.File("docs/observability.md"));
        var table = page.Split("\n## Metrics\n")[1].Split("\n## ")[0];
        var documented = Documented().Matches(table)
            .Select(row => row.Groups["name"].Value.TrimEnd('*').Replace('.', '_')).ToArray();
        Assert.True(documented.Length > 30, $"{documented.Length} metrics are documented");
        var queries = string.Join('\n', Shown.Select(shown => shown.Query).Concat(ReloadMetricsTests.Series));
        Assert.All(documented, name => Assert.Contains(name, queries, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prometheus_finds_each_metric_with_its_value()
    {
        await using var traffic = await WatchedTraffic.StartAsync();
        var token = await traffic.Host.SignInAsync();
        token = await traffic.Host.RefreshAsync(token.RefreshToken);
        var bearer = token.AccessToken;
        Assert.Equal(200, await traffic.MessageAsync(bearer));
        Assert.Equal(200, await traffic.MessageAsync(bearer));
        Assert.Equal(200, await traffic.LongMessageAsync(bearer));

        Assert.Equal(200, await traffic.FailedOverMessageAsync(bearer));
        await traffic.LimitAsync();
        Assert.Equal(429, await traffic.MessageAsync(bearer));
        Assert.Equal(401, await traffic.MessageAsync("nobody"));
        Assert.Equal(401, await traffic.MessageAsync("nobody"));
        await traffic.ExportAsync(bearer, isTaken: true);
        await traffic.ExportAsync(bearer, isTaken: false);
        (await traffic.Host.PostFormAsync("/oauth/revoke", ("token", token.RefreshToken))).Dispose();

        foreach (var (query, value) in Shown)
        {
            await PrometheusServer.UntilAsync(
                async () => await traffic.Prometheus.QueryAsync(query),
                series => series is [var one] && Math.Abs(one.Points[0].Value - value) < 1e-9,
                series => $"{query} is not {value} but {string.Join(", ", series.Select(s => s.Points[0].Value))}");
        }
    }

    [Fact]
    public async Task Alerts_fire_for_what_is_wrong_and_clear_when_it_is_over()
    {
        await using var traffic = await WatchedTraffic.StartAsync(await QuickRulesAsync());
        var bearer = (await traffic.Host.SignInAsync()).AccessToken;
        string[] wrong =
        [
            "ClaudeGatewayUpstreamUnhealthy", "ClaudeGatewayAllUpstreamsFailing", "ClaudeGatewayServerErrors",
            "ClaudeGatewayRelayDropping", "ClaudeGatewayRefusedRequestsSpike",
        ];
        Assert.Equal(200, await traffic.MessageAsync(bearer));
        await traffic.ExportAsync(bearer, isTaken: true);
        await UntilFiringAsync(traffic, bearer, wrong, isWrong: false);

        (traffic.Gateway.First.Status, traffic.Gateway.Second.Status) = (500, 500);
        await UntilFiringAsync(traffic, bearer, wrong, isWrong: true);

        (traffic.Gateway.First.Status, traffic.Gateway.Second.Status) = (200, 200);
        await UntilFiringAsync(traffic, bearer, wrong, isWrong: false);

        await traffic.StopGatewayAsync();
        await PrometheusServer.UntilAsync(
            traffic.Prometheus.FiringAsync, firing => firing.ContainsKey("ClaudeGatewayDown"), Told);
    }

    /// <summary>Goes on with what is wrong, or with what is right, until the alerts say so.</summary>
    private static Task UntilFiringAsync(WatchedTraffic traffic, string bearer, string[] alerts, bool isWrong) =>
        PrometheusServer.UntilAsync(
            async () =>
            {
                await traffic.MessageAsync(bearer);
                if (isWrong)
                {
                    await traffic.MessageAsync("nobody");
                    await traffic.ExportAsync(bearer, isTaken: false);
                }

                return await traffic.Prometheus.FiringAsync();
            },
            firing => alerts.All(alert => firing.ContainsKey(alert) == isWrong),
            Told);

    private static string Told(IReadOnlyDictionary<string, string> firing) =>
        $"firing at the end: {string.Join(", ", firing.Keys)}";

    /// <summary>
    /// The rules of deploy/ in seconds instead of minutes: what they look back at is four seconds, and nothing has to
    /// last. That they hold with their own durations is what deploy/prometheus/alerts.test.yml is for.
    /// </summary>
    private static async Task<string> QuickRulesAsync()
    {
        var rules = await File.ReadAllTextAsync(Repository.File("deploy/prometheus/alerts.yml"));
        var quick = Lasting().Replace(Window().Replace(rules, "${before}4s"), "for: 0s");
        Assert.DoesNotMatch(@"\[\d+m\]|for: \d+m", quick);
        return quick;
    }

    [GeneratedRegex(@"^\| `(?<name>[^`]+)`", RegexOptions.Multiline)]
    private static partial Regex Documented();

    [GeneratedRegex(@"(?<before>\[|offset )\d+m")]
    private static partial Regex Window();

    [GeneratedRegex(@"for: \d+m")]
    private static partial Regex Lasting();
}
