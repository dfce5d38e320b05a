using System.Text;
using System.Text.Json;
using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Cli.Admin.Apply;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary><c>claude-gateway spend apply</c> and <c>export</c> against a running gateway with PostgreSQL.</summary>
public sealed class ApplyCommandTests : IAsyncLifetime
{
    private const string Three = """
        limits:
          - scope: { type: organization }
            amount: "20000"
          - scope: { type: rbac_group, rbac_group_id: research }
            amount: "50000"
            pooled_budget: { amount: "2000000" }
          - scope: { type: user, user_id: alice }
            period: daily
            amount: null
        """;

    private readonly TemporaryFolder _folder = new();
    private SpendHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_limits_equal_the_file_and_a_second_run_writes_nothing()
    {
        await _host.LimitAsync(SpendHost.User("bob"), "500", "weekly");
        await _host.LimitAsync(SpendHost.Organization, "100", "monthly");

        var (exitCode, output, _) = await ApplyAsync(Three, "--yes");

        Assert.Equal(0, exitCode);
        Assert.Equal(
            ["+ user alice daily: unlimited", "+ rbac_group research monthly: 500.00, budget 20000.00",
                "~ organization monthly: 1.00 → 200.00", "- user bob weekly: 5.00",
                "2 to create, 1 to change, 1 to delete, 0 unchanged.", "Done: 4 changes were made."],
            output);
        var limits = await LimitsAsync();
        Assert.Equal(
            ["organization monthly 20000", "user daily ", "rbac_group monthly 50000"], limits.Select(Describe));
        Assert.Equal("2000000", limits[2].GetProperty("pooled_budget").GetProperty("amount").GetString());
        var audited = await AuditsAsync();
        Assert.Equal(6, audited);

        (exitCode, output, _) = await ApplyAsync(Three);
        Assert.Equal((0, "No difference: 3 limits are as the file has them."), (exitCode, Assert.Single(output)));
        Assert.Equal(audited, await AuditsAsync());
        Assert.Equal(limits.Select(limit => limit.ToString()), (await LimitsAsync()).Select(limit => limit.ToString()));
    }

    [Fact]
    public async Task A_dry_run_writes_nothing_and_its_exit_code_says_whether_there_is_a_difference()
    {
        var (exitCode, output, _) = await ApplyAsync(Three, "--dry-run");
        Assert.Equal((2, "3 to create, 0 to change, 0 to delete, 0 unchanged."), (exitCode, output[^1]));
        Assert.Empty(await LimitsAsync());

        await ApplyAsync(Three, "--yes");
        Assert.Equal(0, (await ApplyAsync(Three, "--dry-run")).ExitCode);
        (exitCode, output, _) = await ApplyAsync("limits: []", "--dry-run", "--json");
        Assert.Equal(2, exitCode);
        var changes = JsonDocument.Parse(string.Concat(output)).RootElement.EnumerateArray().ToList();
        Assert.Equal(3, changes.Count);
        Assert.All(changes, change => Assert.Equal("delete", change.GetProperty("action").GetString()));
        Assert.Equal(3, (await LimitsAsync()).Count);
    }

    [Fact]
    public async Task What_is_exported_makes_no_difference_when_applied()
    {
        await _host.LimitAsync(SpendHost.Organization, null, "weekly");
        await _host.LimitAsync(SpendHost.User("a: \"b\" # 'c'"), "007");
        await _host.LimitAsync(SpendHost.Group("research"), "5", "monthly", pool: new { amount = "9", paused = true });
        await _host.LimitAsync(SpendHost.Group("ops"), "5", "monthly");
        foreach (var format in (string[][])[[], ["--json"]])
        {
            var (exitCode, exported, _) = await RunAsync(["export", .. format]);
            Assert.Equal(0, exitCode);
            var (applied, output, _) = await ApplyAsync(string.Join('\n', exported), "--dry-run");
            Assert.Equal((0, "No difference: 4 limits are as the file has them."), (applied, Assert.Single(output)));
        }

        Assert.Equal(4, (await LimitsAsync()).Count);
        var (_, _, refusal) = await RunAsync("export", "--csv");
        Assert.Contains("--csv is for", Assert.Single(refusal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shared_budget_is_changed_paused_and_cleared_with_the_file()
    {
        const string file = """limits: [{ scope: { type: rbac_group, rbac_group_id: g }, amount: "5" POOL }]""";
        foreach (var (pool, amount, paused) in ((string, string?, bool)[])[
            (", pooled_budget: { amount: '10' }", "10", false),
            (", pooled_budget: { amount: '20', paused: true }", "20", true),
            (", pooled_budget: { amount: '20' }", "20", false),
            ("", null, false)])
        {
            var text = file.Replace("POOL", pool, StringComparison.Ordinal);
            Assert.Equal(0, (await ApplyAsync(text, "--yes")).ExitCode);
            var stored = Assert.Single(await LimitsAsync()).GetProperty("pooled_budget");
            Assert.Equal(amount, amount is null ? null : stored.GetProperty("amount").GetString());
            Assert.Equal(amount is null, stored.ValueKind == JsonValueKind.Null);
            Assert.Equal(paused, amount is not null && stored.GetProperty("paused").GetBoolean());
            Assert.Equal(0, (await ApplyAsync(text, "--dry-run")).ExitCode);
        }
    }

    [Fact]
    public async Task Nothing_is_written_of_a_file_with_a_mistake_whoever_it_is_about()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "ann@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u2", "two@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u3", "two@example.com")));
        foreach (var (file, problem) in ((string, string)[])[
            (Three + "\n    ammount: 1", "limits.yaml:10:5 limits[2].ammount: unknown key; did you mean 'amount'?"),
            (Users("nobody@example.com"), "limits[1].scope.user_id: nobody known at the gateway has the e-mail"),
            (Users("two@example.com"), "limits[1].scope.user_id: 2 developers have the e-mail address two@example.com"),
            (Users("ann@example.com", "00u1"), "limits[2]: user 00u1 monthly is given twice, first at line 4")])
        {
            var (exitCode, output, errors) = await ApplyAsync(file, "--yes");
            Assert.Equal(1, exitCode);
            Assert.Empty(output);
            Assert.Contains(problem, Assert.Single(errors), StringComparison.Ordinal);
            Assert.EndsWith("Nothing was written", errors[0], StringComparison.Ordinal);
        }

        Assert.Empty(await LimitsAsync());
    }

    [Fact]
    public async Task A_developer_may_be_named_by_his_address()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "ann@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("bob@example.com", "other@example.com")));
        var file = Users("Ann@example.com", "bob@example.com", "github|x@example.com");
        Assert.Equal(0, (await ApplyAsync(file, "--yes")).ExitCode);
        Assert.Equal(
            ["00u1", "bob@example.com", "github|x@example.com"],
            (await LimitsAsync()).Where(limit => Describe(limit).StartsWith("user", StringComparison.Ordinal))
            .Select(limit => limit.GetProperty("scope").GetProperty("user_id").GetString()));
        Assert.Equal(0, (await ApplyAsync(file, "--dry-run")).ExitCode);
    }

    [Fact]
    public async Task What_may_not_be_pruned_stays()
    {
        await _host.LimitAsync(SpendHost.User("bob"), "500", "weekly");
        await _host.LimitAsync(SpendHost.Group("ops"), "500", "weekly");
        Assert.Equal(0, (await ApplyAsync(Three, "--yes", "--prune", "none")).ExitCode);
        Assert.Equal(5, (await LimitsAsync()).Count);
        Assert.Equal(0, (await ApplyAsync(Three, "--yes", "--prune", "group,organization")).ExitCode);
        Assert.Equal(4, (await LimitsAsync()).Count);
        Assert.Contains(await LimitsAsync(), limit => limit.ToString().Contains("bob", StringComparison.Ordinal));
        Assert.Contains(
            "--prune: 'users' is not all", Assert.Single((await ApplyAsync(Three, "--prune", "users")).Errors),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_without_limits_deletes_nothing_unless_that_is_said()
    {
        await ApplyAsync(Three, "--yes");
        var (exitCode, _, errors) = await ApplyAsync("limits: []", "--yes");
        Assert.Equal(1, exitCode);
        Assert.Contains("pass --allow-empty", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Equal(1, (await ApplyAsync("", "--yes", "--allow-empty")).ExitCode);
        Assert.Equal(3, (await LimitsAsync()).Count);

        Assert.Equal(0, (await ApplyAsync("limits: []", "--yes", "--allow-empty")).ExitCode);
        Assert.Empty(await LimitsAsync());
    }

    [Fact]
    public async Task Where_nobody_can_be_asked_nothing_is_written()
    {
        var (exitCode, output, errors) = await ApplyAsync(Three);
        Assert.Equal((1, 4), (exitCode, output.Count));
        Assert.Contains("pass --yes", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Empty(await LimitsAsync());
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 0)]
    public async Task Whoever_is_asked_decides(bool consent, int written)
    {
        var asked = 0;
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        var options = new ApplyOptions(
            "limits.yaml", false, new HashSet<SpendScopeType>(), false, changes =>
            {
                asked = changes;
                return consent;
            });
        var applying = ApplyCommand.RunAsync(
            Client(http), Encoding.UTF8.GetBytes(Three), options, ReportFormat.Table, TextWriter.Null, TextWriter.Null,
            default);
        if (consent)
        {
            Assert.Equal(0, await applying);
        }
        else
        {
            var refusal = await Assert.ThrowsAsync<OperatorException>(() => applying);
            Assert.Contains("nothing was written", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal((3, written), (asked, (await LimitsAsync()).Count));
    }

    [Fact]
    public async Task A_failure_halfway_says_what_was_done_and_the_next_run_does_the_rest()
    {
        using var http = new HttpMessageInvoker(new FailingOnce(3));
        using var errors = new StringWriter();
        var options = new ApplyOptions("limits.yaml", false, new HashSet<SpendScopeType>(), false, null);

        var exitCode = await ApplyCommand.RunAsync(
            Client(http), Encoding.UTF8.GetBytes(Three), options, ReportFormat.Table, TextWriter.Null, errors, default);

        Assert.Equal(1, exitCode);
        Assert.Contains("cannot be reached", errors.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "(at: + rbac_group research monthly: 500.00, budget 20000.00); 1 of 3 changes were made",
            errors.ToString(),
            StringComparison.Ordinal);
        Assert.Equal("user daily ", Describe(Assert.Single(await LimitsAsync())));

        var (again, output, _) = await ApplyAsync(Three, "--yes");
        Assert.Equal((0, "2 to create, 0 to change, 0 to delete, 1 unchanged."), (again, output[^2]));
        Assert.Equal(3, (await LimitsAsync()).Count);
    }

    [Theory]
    [InlineData("none.yaml cannot be read", "apply", "-f", "none.yaml")]
    [InlineData("'--file' is required", "apply")]
    public async Task Mistakes_get_one_line(string words, params string[] arguments)
    {
        var (exitCode, _, errors) = await RunAsync(arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains(words, Assert.Single(errors), StringComparison.OrdinalIgnoreCase);
    }

    private AdminClient Client(HttpMessageInvoker http) =>
        new(http, _host.Gateway.Url, new AdminCredential(SpendHost.AdminKey, null), TimeProvider.System);

    private static string Users(params string[] ids) =>
        "limits:\n  - scope: { type: organization }\n    amount: '1'\n"
            + string.Join('\n', ids.Select(id => $"  - scope: {{ type: user, user_id: \"{id}\" }}\n    amount: '5'"));

    private static string Describe(JsonElement limit) =>
        $"{limit.GetProperty("scope").GetProperty("type")} {limit.GetProperty("period")} {limit.GetProperty("amount")}";

    private async Task<List<JsonElement>> LimitsAsync() => await DataAsync("?limit=1000");

    private async Task<int> AuditsAsync() => (await DataAsync("/audit?limit=1000")).Count;

    private async Task<List<JsonElement>> DataAsync(string path)
    {
        using var response = await _host.AdminAsync(HttpMethod.Get, path);
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return [.. document.RootElement.GetProperty("data").EnumerateArray().Select(row => row.Clone())];
    }

    private async Task<(int ExitCode, IReadOnlyList<string> Output, IReadOnlyList<string> Errors)> ApplyAsync(
        string file, params string[] arguments)
    {
        await File.WriteAllTextAsync(_folder.File("limits.yaml"), file);
        return await RunAsync(["apply", "-f", "limits.yaml", .. arguments]);
    }

    private async Task<(int ExitCode, IReadOnlyList<string> Output, IReadOnlyList<string> Errors)> RunAsync(
        params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ADMIN_KEY"] = SpendHost.AdminKey,
            ["CLAUDE_GATEWAY_URL"] = _host.Gateway.Url.GetLeftPart(UriPartial.Authority),
        };
        await using var process = GatewayProcess.Start(_folder.Path, environment, ["spend", .. arguments]);
        var exitCode = await process.ExitCodeAsync();
        return (exitCode, process.Output.Lines, process.Errors.Lines);
    }

    /// <summary>A network that loses one request, counted from 1, before it arrives.</summary>
    private sealed class FailingOnce(int request) : DelegatingHandler(new SocketsHttpHandler())
    {
        private int _sent;

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage message, CancellationToken cancellationToken) =>
            ++_sent == request
                ? Task.FromException<HttpResponseMessage>(new HttpRequestException("connection reset"))
                : base.SendAsync(message, cancellationToken);
    }
}
