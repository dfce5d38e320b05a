using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Spend;
using ClaudeGateway.Managed;
using ClaudeGateway.Settings;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

/// <summary>Which settings the machines run, as the admin API and the command line tell it.</summary>
public sealed class SettingsVersionsTests
{
    private const string Path = "/v1/organizations/settings_versions";
    private const string Stale = "sha256:5a1e000000000000000000000000000000000000000000000000000000000000";

    [Fact]
    public async Task Machines_are_counted_by_what_they_say_they_run_with()
    {
        await using var host = new SpendHost(null);
        var gateway = await host.StartAsync(Policies);
        var (eng, other) = (host.Bearer("alice", "eng"), host.Bearer("bob"));
        var served = await ChecksumAsync(gateway, eng);
        using (await gateway.SendMessageAsync(eng, headers: (SettingsVersion.HintHeader, served)))
        using (await gateway.SendMessageAsync(
            host.Bearer("carol", "eng"), headers: (SettingsVersion.HintHeader, served)))
        using (await PollAsync(gateway, other, ("If-None-Match", $"\"{Stale}\"")))
        using (await PollAsync(gateway, host.Bearer("dave")))
        {
        }

        var report = await ReportAsync(gateway);

        Assert.Equal(
            (3, 7, false),
            (
                report.GetProperty("machines").GetInt32(),
                report.GetProperty("days").GetInt32(),
                report.GetProperty("has_more").GetBoolean()));
        var rows = report.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(3, rows.Count);
        Assert.Equal((served[7..19], 2, true), Facts(rows[0]));
        Assert.Equal((Stale[7..19], 1, false), Facts(rows[1]));
        Assert.Equal(
            ("eng", 0),
            (
                rows[0].GetProperty("policies")[0].GetProperty("groups")[0].GetString(),
                rows[0].GetProperty("policies")[0].GetProperty("policy_index").GetInt32()));
        Assert.True(
            rows[0].GetProperty("oldest_seen_at").GetDateTimeOffset() <= rows[0].GetProperty("newest_seen_at")
                .GetDateTimeOffset());
        Assert.Equal(0, rows[1].GetProperty("policies").GetArrayLength());
        // What everybody else is served, which nobody runs yet.
        Assert.Equal(((await ChecksumAsync(gateway, other))[7..19], 0, true), Facts(rows[2]));
        Assert.Equal(JsonValueKind.Null, rows[2].GetProperty("newest_seen_at").ValueKind);
    }

    [Fact]
    public async Task A_machine_is_counted_once_over_all_replicas()
    {
        await using var host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        var one = await host.StartAsync();
        var two = await host.StartAsync();
        var (alice, bob) = (host.Bearer("alice"), host.Bearer("bob"));
        foreach (var (gateway, bearer) in new[] { (one, alice), (two, alice), (two, bob) })
        {
            using var answer = await gateway.SendMessageAsync(bearer, headers: (SettingsVersion.HintHeader, Stale));
            Assert.Equal(200, (int)answer.StatusCode);
        }

        await host.StopAsync(two);

        Assert.Equal(
            2,
            Assert.Single((await ReportAsync(one)).GetProperty("data").EnumerateArray()).GetProperty("machines")
                .GetInt32());
    }

    [Fact]
    public async Task A_store_outage_costs_no_answer_and_no_machine()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = new SpendHost(await server.CreateDatabaseAsync());
        var gateway = await host.StartAsync();
        var bearer = host.Bearer("alice");
        Assert.Equal(200, await host.SendAsync(bearer));
        await server.StopServerAsync();
        using (var answer = await gateway.SendMessageAsync(bearer, headers: (SettingsVersion.HintHeader, Stale)))
        {
            Assert.Equal(200, (int)answer.StatusCode);
        }

        using (var refused = await GetAsync(gateway))
        {
            var envelope = await SpendHost.JsonAsync(refused);
            Assert.Equal(
                (503, "api_error"),
                ((int)refused.StatusCode, envelope.GetProperty("error").GetProperty("type").GetString()));
            Assert.Equal(
                refused.Headers.GetValues("request-id").Single(), envelope.GetProperty("request_id").GetString());
        }

        await server.StartServerAsync();

        Assert.Equal(1, (await ReportAsync(gateway)).GetProperty("machines").GetInt32());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("31")]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData("week")]
    public async Task Days_are_bounded(string days)
    {
        await using var host = new SpendHost(null);
        var gateway = await host.StartAsync();
        using var response = await GetAsync(gateway, "?days=" + days);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(
            "days: must be between 1 and 30",
            (await SpendHost.JsonAsync(response)).GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task Who_asks_is_checked_as_in_the_rest_of_the_admin_API()
    {
        await using var host = new SpendHost(null);
        var gateway = await host.StartAsync();
        using var nobody = await gateway.SendAsync(HttpMethod.Get, Path);
        using var developer = await gateway.GetAsync(Path, host.Bearer("alice"));
        Assert.Equal((401, 401), ((int)nobody.StatusCode, (int)developer.StatusCode));
        Assert.Equal(
            "missing or invalid admin credentials",
            (await SpendHost.JsonAsync(nobody)).GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task The_command_line_shows_it_to_people_and_scripts()
    {
        using var folder = new TemporaryFolder();
        await using var host = new SpendHost(null);
        var gateway = await host.StartAsync(Policies);
        using (await gateway.SendMessageAsync(host.Bearer("alice"), headers: (SettingsVersion.HintHeader, Stale)))
        {
        }

        var table = (await RunAsync(folder, gateway)).Split('\n');
        Assert.Equal(
            ["VERSION", "MACHINES", "CURRENT", "SERVED TO", "OLDEST SEEN", "NEWEST SEEN"],
            table[0].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.StartsWith(Stale[7..19] + "         1  no ", table[1], StringComparison.Ordinal);
        Assert.Contains(table[2..], line => line.Contains("policies[0] eng", StringComparison.Ordinal));
        Assert.Contains(table[2..], line => line.Contains("policies[1] everybody", StringComparison.Ordinal));
        Assert.StartsWith(
            Stale[7..19] + ",1,no,,",
            (await RunAsync(folder, gateway, "--csv")).Split('\n')[1],
            StringComparison.Ordinal);
        Assert.Equal(3, JsonElement.Parse(await RunAsync(folder, gateway, "--json", "--days", "30")).GetArrayLength());
    }

    private static GatewayConfig Policies(GatewayConfig config) =>
        config with
        {
            Managed = new ManagedConfig
            {
                Policies = [
            Policy("eng", """{"model":"opus"}"""), Policy(null, """{"env":{"A":"1"}}""")]
            }
        };

    private static PolicyConfig Policy(string? group, string settings) => new()
    {
        Match = new PolicyMatch(group is null ? null : [group], null),
        Settings = new PolicyDocument(
            "managed.policies[0].cli", JsonElement.Parse(settings), new Dictionary<string, ConfigPosition>()),
    };

    private static (string? Version, int Machines, bool IsCurrent) Facts(JsonElement row) =>
        (
            row.GetProperty("version").GetString(),
            row.GetProperty("machines").GetInt32(),
            row.GetProperty("current").GetBoolean());

    private static Task<HttpResponseMessage> PollAsync(
        GatewayHost gateway, string bearer, params (string Name, string Value)[] headers) =>
        gateway.SendAsync(
            HttpMethod.Get, "/managed/settings", null, [("Authorization", "Bearer " + bearer), .. headers]);

    private static async Task<string> ChecksumAsync(GatewayHost gateway, string bearer)
    {
        using var response = await PollAsync(gateway, bearer);
        return (await SpendHost.JsonAsync(response)).GetProperty("checksum").GetString()!;
    }

    private static Task<HttpResponseMessage> GetAsync(GatewayHost gateway, string query = "") =>
        gateway.SendAsync(HttpMethod.Get, Path + query, null, ("x-api-key", SpendHost.AdminKey));

    private static async Task<JsonElement> ReportAsync(GatewayHost gateway)
    {
        using var response = await GetAsync(gateway);
        Assert.Equal(200, (int)response.StatusCode);
        return await SpendHost.JsonAsync(response);
    }

    private static async Task<string> RunAsync(TemporaryFolder folder, GatewayHost gateway, params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ADMIN_KEY"] = SpendHost.AdminKey,
            ["CLAUDE_GATEWAY_URL"] = gateway.Url.GetLeftPart(UriPartial.Authority),
        };
        await using var process = GatewayProcess.Start(folder.Path, environment, ["machines", .. arguments]);
        Assert.True(await process.ExitCodeAsync() == 0, string.Join('\n', process.Errors.Lines));
        return string.Join('\n', process.Output.Lines);
    }
}
