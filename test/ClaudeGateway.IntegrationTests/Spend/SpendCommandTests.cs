using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary><c>claude-gateway spend …</c> as a process against a running gateway.</summary>
public sealed class SpendCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly SpendHost _host = new(null);

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Limits_are_set_listed_and_deleted()
    {
        Assert.Contains(
            "12.50",
            await RunAsync("limits", "set", "--user", "alice", "--amount", "12.50", "--period", "daily"),
            StringComparison.Ordinal);
        await RunAsync("limits", "set", "--group", "eng", "--amount", "$1000", "--budget", "5000");
        await RunAsync("limits", "set", "--group", "eng", "--pause-budget", "true");
        await RunAsync("limits", "set", "--organization", "--unlimited");
        var limits = JsonDocument.Parse(await RunAsync("limits", "list",
            "--json")).RootElement.EnumerateArray().ToList();
        Assert.Equal(["1250", "100000", null], limits.Select(limit => limit.GetProperty("amount").GetString()));
        Assert.True(limits[1].GetProperty("pooled_budget").GetProperty("paused").GetBoolean());
        Assert.Contains(
            "rbac_group,eng,monthly,1000.00,5000.00 paused,0.00",
            await RunAsync("limits", "list", "--scope", "group", "--csv"),
            StringComparison.Ordinal);
        await RunAsync("limits", "delete", "--user", "alice", "--period", "daily");
        Assert.DoesNotContain("alice", await RunAsync("limits", "list"), StringComparison.Ordinal);
        var audit = await RunAsync("audit");
        Assert.Contains("spend_limit.delete", audit.Split('\n')[1], StringComparison.Ordinal);
        Assert.Contains("admin-key:test", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Spend_is_shown_in_dollars_for_people_and_scripts()
    {
        _host.Spends(150);
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("=cmd|x", "eng")));
        _host.Spends(30);
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("bob")));
        await _host.LimitAsync(SpendHost.Organization, "200", "monthly");
        var top = (await RunAsync("top")).Split('\n');
        Assert.Equal(
            ["=cmd|x", "=cmd|x@example.com", "eng", "monthly", "1.50", "2.00", "75%", "organization"],
            top[1].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.StartsWith("bob", top[2], StringComparison.Ordinal);
        Assert.Contains(
            "'=cmd|x,'=cmd|x@example.com,eng,monthly,1.50,2.00,75%,organization",
            await RunAsync("top", "--csv", "--search", "CMD"),
            StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("user", "bob", "--csv")).Split("\r\n")[1..^1].Length);
    }

    [Fact]
    public async Task A_developer_may_be_named_by_his_address()
    {
        var bearer = _host.BearerOf("00u1", "ann@example.com");
        Assert.Equal(200, await _host.SendAsync(bearer));
        await RunAsync("limits", "set", "--user", "Ann@example.com", "--amount", "12.10");
        await RunAsync("limits", "set", "--user", "00u2", "--amount", "5");
        var limit = Assert.Single(JsonDocument.Parse(
            await RunAsync("limits", "list", "--user", "ann@example.com", "--json")).RootElement.EnumerateArray());
        Assert.Equal("00u1", limit.GetProperty("scope").GetProperty("user_id").GetString());
        Assert.Equal("1210", limit.GetProperty("amount").GetString());
        Assert.Contains(
            "00u1,ann@example.com", await RunAsync("user", "ANN@example.com", "--csv"), StringComparison.Ordinal);
        await RunAsync("limits", "delete", "--user", "ann@example.com");
        Assert.DoesNotContain("00u1", await RunAsync("limits", "list"), StringComparison.Ordinal);
        Assert.Equal("Signed out 00u1.\n", await RunAsync("sign-out", "ann@example.com"));
        Assert.Equal(401, await _host.SendAsync(bearer));
    }

    [Fact]
    public async Task An_address_of_several_developers_changes_nothing()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "ann@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u2", "ann@example.com")));
        foreach (var arguments in (string[][])[
            ["sign-out", "ann@example.com"],
            ["limits", "delete", "--user", "ann@example.com"],
            ["limits", "set", "--user", "ann@example.com", "--amount", "5"]])
        {
            var (exitCode, _, error) = await StartAsync(SpendHost.AdminKey, arguments);
            Assert.Equal(1, exitCode);
            Assert.Contains("00u1, 00u2", Assert.Single(error), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Somebody_is_signed_out_of_every_replica()
    {
        var bearer = _host.Bearer("alice");
        Assert.Equal(200, await _host.SendAsync(bearer));
        Assert.Equal("Signed out alice.\n", await RunAsync("sign-out", "alice"));
        Assert.Equal(401, await _host.SendAsync(bearer));
        Assert.Equal(
            "admin-key:test", (await _host.Gateway.Log.AuditAsync("admin.sign_out")).GetProperty("actor").GetString());
    }

    [Theory]
    [InlineData("names exactly one", "limits", "set", "--amount", "5")]
    [InlineData("--amount: '12,10' has a comma", "limits", "set", "--user", "a", "--amount", "12,10")]
    [InlineData("'1,0'", "top", "--limit", "1,0")]
    [InlineData("--amount: '1.234' is not an amount", "limits", "set", "--user", "a", "--amount", "1.234")]
    [InlineData("--amount: '1e3' is not an amount", "limits", "set", "--user", "a", "--amount", "1e3")]
    [InlineData("--budget: '1e3' is not an", "limits", "set", "--group", "g", "--amount", "1", "--budget", "1e3")]
    [InlineData("must sign in", "limits", "set", "--user", "nobody@example.com", "--amount", "5")]
    [InlineData("there is no such limit", "limits", "delete", "--user", "nobody")]
    [InlineData("spend limit not found", "limits", "delete", "--id", "spl_0")]
    [InlineData("yearly", "top", "--period", "yearly")]
    public async Task Mistakes_get_one_line(string words, params string[] arguments)
    {
        var (exitCode, _, error) = await StartAsync(SpendHost.AdminKey, arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains(
            words.Replace("names", "name", StringComparison.Ordinal), Assert.Single(error), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_is_named_as_the_cause()
    {
        var (exitCode, _, error) = await StartAsync("wrong", "top");
        Assert.Equal(1, exitCode);
        Assert.Contains("CLAUDE_GATEWAY_ADMIN_KEY", Assert.Single(error), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "limits", "list")]
    [InlineData("{}", "top")]
    [InlineData("[]", "audit")]
    [InlineData("""{"data":7,"has_more":false}""", "limits", "list")]
    [InlineData("""{"data":[{}],"has_more":false}""", "limits", "list")]
    public async Task What_is_no_answer_of_the_admin_API_is_told_in_one_line(string answer, params string[] arguments)
    {
        await using var other = new FakeServer(
            exchange => exchange.RespondAsync(200, answer, ("content-type", "application/json")));
        var environment = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ADMIN_KEY"] = SpendHost.AdminKey,
            ["CLAUDE_GATEWAY_URL"] = other.LocalUrl,
        };

        await using var process = GatewayProcess.Start(_folder.Path, environment, ["spend", .. arguments]);

        Assert.Equal(1, await process.ExitCodeAsync());
        Assert.Contains(
            "is not the admin API of a gateway", Assert.Single(process.Errors.Lines), StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await StartAsync(SpendHost.AdminKey, arguments);
        Assert.True(exitCode == 0, string.Join('\n', error));
        return output;
    }

    private async Task<(int ExitCode, string Output, IReadOnlyList<string> Error)> StartAsync(
        string key, params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ADMIN_KEY"] = key,
            ["CLAUDE_GATEWAY_URL"] = _host.Gateway.Url.GetLeftPart(UriPartial.Authority),
        };
        await using var process = GatewayProcess.Start(_folder.Path, environment, ["spend", .. arguments]);
        var exitCode = await process.ExitCodeAsync();
        return (exitCode, string.Concat(
            process.Output.Lines.Select(line => line + (arguments.Contains("--csv") ? "\r\n" : "\n"))),
            process.Errors.Lines);
    }
}
