using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>What a scrape of the gateway shows.</summary>
public sealed class MetricsTests
{
    private const string Model = "claude-sonnet-4-6";
    private const string Served =
        "claude_gateway_upstream=\"up1\",gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"anthropic\","
            + "gen_ai_request_model=\"claude-sonnet-4-6\"";

    private const string Health =
        "claude_gateway_upstream_healthy{claude_gateway_upstream=\"up0\",gen_ai_provider_name=\"anthropic\"}";

    [Fact]
    public async Task A_message_that_failed_over_is_measured_once_at_the_upstream_that_answered()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"]);
        var token = await gateway.Host.SignInAsync();
        gateway.First.NextError(503);

        await SendAsync(gateway, token.AccessToken, stream: true);

        var series = await gateway.ScrapeAsync();
        Assert.Equal(1, series[$"gen_ai_server_request_duration_seconds_count{{{Served}}}"]);
        Assert.Equal(1, series[$"gen_ai_server_time_to_first_token_seconds_count{{{Served}}}"]);
        Assert.Equal(1, series[$"gen_ai_server_time_per_output_token_seconds_count{{{Served}}}"]);
        Assert.Equal(1000, series[$"gen_ai_client_token_usage_sum{{{Served},gen_ai_token_type=\"input\"}}"]);
        Assert.Equal(500, series[$"gen_ai_client_token_usage_sum{{{Served},gen_ai_token_type=\"output\"}}"]);
        Assert.Equal(500, series[$"claude_gateway_tokens_total{{{Served},gen_ai_token_type=\"output\"}}"]);
        // 1,000 in and 500 out at 3 and 15 US dollars a million.
        Assert.Equal(0.0105, series[$"claude_gateway_cost_USD_total{{{Served}}}"], 9);
        Assert.Equal(1, series[Upstream("claude_gateway_failovers_total", "claude_gateway_reason=\"503\"", "up0")]);
        Assert.Equal(1, series[Upstream("claude_gateway_upstream_requests_total", Outcome("503"), "up0")]);
        Assert.Equal(1, series[Upstream("claude_gateway_upstream_requests_total", Outcome("ok"), "up1")]);
        Assert.Equal(0, series["claude_gateway_open_streams"]);
        Assert.Equal(
            1,
            series["http_server_request_duration_seconds_count{http_request_method=\"POST\","
                + "http_response_status_code=\"200\",http_route=\"/v1/messages\"}"]);
    }

    [Fact]
    public async Task An_upstream_is_unhealthy_after_three_failures_in_a_row_until_it_serves_again()
    {
        await using var gateway = await ObservedGateway.StartAsync([]);
        var token = await gateway.Host.SignInAsync();
        for (var i = 0; i < 2; i++)
        {
            gateway.First.NextError(500);
            await SendAsync(gateway, token.AccessToken);
        }

        Assert.Equal(1, (await gateway.ScrapeAsync())[Health]);
        gateway.First.NextError(502);
        await SendAsync(gateway, token.AccessToken);
        Assert.Equal(0, (await gateway.ScrapeAsync())[Health]);
        await SendAsync(gateway, token.AccessToken);
        Assert.Equal(1, (await gateway.ScrapeAsync())[Health]);
    }

    [Fact]
    public async Task A_limit_that_is_reached_is_no_fault_of_the_upstream()
    {
        await using var gateway = await ObservedGateway.StartAsync([]);
        var token = await gateway.Host.SignInAsync();
        for (var i = 0; i < 4; i++)
        {
            gateway.First.NextError(429, "rate_limit_error");
            await SendAsync(gateway, token.AccessToken);
        }

        var series = await gateway.ScrapeAsync();
        Assert.Equal(
            1, series[Health]);
        Assert.Equal(4, series[Upstream("claude_gateway_upstream_requests_total", Outcome("429"), "up0")]);
    }

    [Fact]
    public async Task What_all_upstreams_fail_of_is_an_error_of_no_upstream()
    {
        await using var gateway = await ObservedGateway.StartAsync([]);
        var token = await gateway.Host.SignInAsync();
        gateway.First.Status = gateway.Second.Status = 500;

        await SendAsync(gateway, token.AccessToken, HttpStatusCode.BadGateway);

        var series = await gateway.ScrapeAsync();
        Assert.Equal(
            1,
            series["gen_ai_server_request_duration_seconds_count{claude_gateway_upstream=\"none\","
                + "error_type=\"502\",gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"none\","
                + "gen_ai_request_model=\"claude-sonnet-4-6\"}"]);
    }

    [Fact]
    public async Task Spend_is_told_apart_by_the_first_listed_group_of_a_developer()
    {
        await using var gateway = await ObservedGateway.StartAsync(
            ["everyone", "research", "platform"],
            watch: _ => Listening with { GroupLabels = ["platform", "research"] });
        var token = await gateway.Host.SignInAsync();

        await SendAsync(gateway, token.AccessToken);

        var costs = (await gateway.ScrapeAsync()).Where(
            series => series.Key.StartsWith("claude_gateway_cost_USD", StringComparison.Ordinal));
        Assert.Contains("claude_gateway_group=\"platform\"", Assert.Single(costs).Key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_ins_refusals_and_blocked_messages_are_counted_by_reason()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"]);
        var token = await gateway.Host.SignInAsync();
        await gateway.Host.RefreshAsync(token.RefreshToken);
        (await gateway.Host.SendMessageAsync("no.such.bearer")).Dispose();
        (await gateway.Host.GetAsync("/oauth/callback?state=unknown")).Dispose();

        var series = await gateway.ScrapeAsync();

        Assert.Equal(1, series[SignIns("session", "success")]);
        Assert.Equal(1, series[SignIns("callback", "invalid_state")]);
        Assert.Equal(1, series["claude_gateway_refreshes_total{claude_gateway_result=\"success\"}"]);
        Assert.Single(
            series, s => s.Key.StartsWith("claude_gateway_requests_refused_total{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_flood_from_outside_makes_more_series_than_there_are_words_for()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"]);
        var token = await gateway.Host.SignInAsync();
        await SendAsync(gateway, token.AccessToken);
        var before = (await gateway.ScrapeAsync()).Count;
        for (var i = 0; i < 300; i++)
        {
            var word = string.Create(CultureInfo.InvariantCulture, $"flood{i}");
            (await gateway.Host.GetAsync($"/{word}", token.AccessToken)).Dispose();
            (await gateway.Host.SendMessageAsync(
                token.AccessToken, word, false, ("x-claude-code-managed-settings-version", word))).Dispose();
            (await gateway.Host.SendAsync(new HttpMethod(word), "/v1/messages")).Dispose();
        }

        var after = (await gateway.ScrapeAsync()).Keys.ToList();

        Assert.DoesNotContain(after, series => series.Contains("flood", StringComparison.OrdinalIgnoreCase));
        // A method that is none, a path that is none, a model that is none: one histogram each.
        Assert.InRange(after.Count - before, 1, 150);
    }

    [Fact]
    public async Task Metrics_are_on_their_own_listener_alone()
    {
        await using var gateway = await ObservedGateway.StartAsync([]);
        var token = await gateway.Host.SignInAsync();

        using var outside = await gateway.Host.GetAsync("/metrics");
        using var inside = await gateway.Host.GetAsync("/metrics", token.AccessToken);
        Assert.Equal(HttpStatusCode.Unauthorized, outside.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, inside.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await gateway.AskMetricsListenerAsync("/v1/messages"));
    }

    [Fact]
    public async Task A_listener_that_cannot_be_had_stops_the_start_and_names_its_key()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var refused = await Assert.ThrowsAsync<OperatorException>(
            () => ObservedGateway.StartAsync(
                [], watch: _ => new ObservabilityConfig { MetricsListen = new MetricsListen("127.0.0.1", port) }));

        Assert.Contains("observability.metrics_listen", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_section_nothing_listens()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var gateway = await GatewayHost.StartAsync(TestConfig.Create(idp, [upstream]));
        Assert.Null(gateway.App.MetricsAddress);
    }

    private static ObservabilityConfig Listening => new() { MetricsListen = new MetricsListen("127.0.0.1", 0) };

    private static string SignIns(string step, string result) =>
        $"claude_gateway_sign_ins_total{{claude_gateway_result=\"{result}\",claude_gateway_step=\"{step}\"}}";

    private static string Outcome(string word) => $"claude_gateway_outcome=\"{word}\"";

    private static string Upstream(string name, string label, string upstream) =>
        $"{name}{{{label},claude_gateway_upstream=\"{upstream}\",gen_ai_provider_name=\"anthropic\"}}";

    /// <summary>Returns once the answer is measured, which is after its last byte.</summary>
    private static async Task SendAsync(
        ObservedGateway gateway, string bearer, HttpStatusCode status = HttpStatusCode.OK, bool stream = false)
    {
        using var response = await gateway.Host.SendMessageAsync(bearer, Model, stream);
        Assert.Equal(status, response.StatusCode);
        await response.Content.ReadAsStringAsync();
        await gateway.Host.IdleAsync();
    }
}
