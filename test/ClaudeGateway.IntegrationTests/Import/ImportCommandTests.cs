using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Import;

/// <summary><c>claude-gateway import</c> as it is typed: what it prints, and what it refuses.</summary>
public sealed class ImportCommandTests
{
    [Fact]
    public async Task It_says_what_there_is_and_writes_only_when_told_to()
    {
        var source = await ReferenceDatabase.CreateAsync();
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        using var folder = new TemporaryFolder();

        var dry = await RunAsync(folder, url, source.Url);
        var applied = await RunAsync(folder, url, source.Url, "--apply");
        var again = await RunAsync(folder, url, source.Url, "--yes");

        Assert.All([dry, applied, again], run => Assert.Equal((0, ""), (run.Code, run.Errors)));
        const string spend = """
            daily     2: 2 new; 1.3999 cents there, 1.3999 cents to add
            weekly    2: 2 new; 1.5999 cents there, 1.5999 cents to add
            monthly   5: 5 new; 1234582.8928 cents there, 1234582.8928 cents to add
            budgets   2: 2 new; 9.25 cents there, 9.25 cents to add
                      below zero there, counted as 0: 1
            people    5: 5 new
            audit     3: 3 new
            """;
        Assert.Equal(
            $"""
            source    Anthropic's gateway, in use since 2026-03-01 10:00:00 UTC
            limits    5: 5 new
            {spend}
            a dry run: nothing was changed. With --apply it is done.

            """,
            dry.Output);
        Assert.Contains(spend, applied.Output, StringComparison.Ordinal);
        Assert.EndsWith(
            "verified  the totals that grew: 0 cents before, 1234595.1426 cents added, 1234595.1426 cents now; imported "
                + "from this source in all: 1234595.1426 cents\nimported.\n",
            applied.Output,
            StringComparison.Ordinal);
        Assert.Contains("limits    5: 5 equal", again.Output, StringComparison.Ordinal);
        Assert.Contains(
            "monthly   5: 5 equal; 1234582.8928 cents there, 0 cents to add", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conflict_is_listed_with_both_amounts()
    {
        var source = await ReferenceDatabase.CreateAsync();
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        using var folder = new TemporaryFolder();
        await RunAsync(folder, url, source.Url, "--apply");
        await new ReferenceDatabase(url).RunAsync("UPDATE gw_spend_limit SET amount_cents = 1 WHERE scope_id = 'eng'");

        var kept = await RunAsync(folder, url, source.Url);
        var overwritten = await RunAsync(folder, url, source.Url, "--overwrite", "--apply");

        Assert.Contains("limits    5: 4 equal, 1 in conflict\n", kept.Output, StringComparison.Ordinal);
        Assert.Contains(
            "rbac_group eng, monthly: 60000 cents with a budget of 10000 cents there, 1 cents with a budget of 10000 cents "
                + "here: kept as it is here (--overwrite takes that of the source)",
            kept.Output,
            StringComparison.Ordinal);
        Assert.Contains("limits    5: 1 overwritten, 4 equal\n", overwritten.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "ALTER TABLE spend ADD tenant text NOT NULL DEFAULT ''", "column spend.tenant may change what a row means")]
    [InlineData(
        "ALTER TABLE spend ADD tenant text; UPDATE spend SET tenant = 'x' WHERE principal = 'amy'",
        "column spend.tenant may change what a row means")]
    [InlineData(
        "DROP TABLE pooled_spend; ALTER TABLE admin_audit DROP at", "table pooled_spend, column admin_audit.at")]
    [InlineData("UPDATE spend SET cents = 'NaN' WHERE principal = 'amy'", "spend of amy, 2026-")]
    [InlineData("UPDATE spend SET cents = 1e10 WHERE principal = 'Bob'", "spend of Bob, 2026-")]
    [InlineData("UPDATE spend SET period = '2026-Q3' WHERE principal = 'zoë \"x\"\\'", "not known: 2026-Q3")]
    [InlineData("UPDATE pooled_spend SET period = '2026-09-01' WHERE period = '2026-09'", "not known: 2026-09-01")]
    [InlineData("UPDATE spend_limits SET scope_type = 'team' WHERE scope_id = 'ops'", "(team, monthly, USD)")]
    [InlineData("DELETE FROM _migrations", "has no first migration")]
    public async Task A_source_that_is_not_understood_is_refused(string change, string problem)
    {
        var source = await ReferenceDatabase.CreateAsync();
        await source.RunAsync(change);
        using var folder = new TemporaryFolder();

        var (code, output, errors) = await RunAsync(
            folder, await PostgresServer.NewMigratedDatabaseAsync(), source.Url, "--apply");

        Assert.Equal((1, ""), (code, output));
        Assert.Contains(problem, errors, StringComparison.Ordinal);
        Assert.StartsWith("claude gateway: the source", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_newer_there_and_holds_nothing_is_said_and_no_obstacle()
    {
        var source = await ReferenceDatabase.CreateAsync();
        await source.RunAsync(
            "ALTER TABLE spend ADD tenant text; CREATE TABLE teams (id text); INSERT INTO _migrations VALUES (9, now())");
        using var folder = new TemporaryFolder();

        var (code, output, _) = await RunAsync(folder, await PostgresServer.NewMigratedDatabaseAsync(), source.Url);

        Assert.Equal(0, code);
        Assert.Contains("the source's schema is at 9, later than 8", output, StringComparison.Ordinal);
        Assert.Contains("not copied, not known: teams", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_own_store_without_tables_of_the_reference_is_no_source()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        using var folder = new TemporaryFolder();

        var (code, _, errors) = await RunAsync(folder, url, url);

        Assert.Equal(1, code);
        Assert.Contains("missing are table _migrations, table spend_limits", errors, StringComparison.Ordinal);
        Assert.Contains("it has tables of claude-gateway", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://app:s3cret-word@127.0.0.1:1/none", "the source cannot be read: Failed to connect")]
    [InlineData("postgres://app:s3cret-word@127.0.0.1:x/none", "the source's URL: its port is not a number")]
    [InlineData("mysql://app:s3cret-word@127.0.0.1/none", "the source's URL must begin with postgres://")]
    [InlineData("", "from which database? Set IMPORT_FROM")]
    public async Task A_source_that_cannot_be_reached_is_said_without_its_password(string source, string problem)
    {
        using var folder = new TemporaryFolder();

        var (code, output, errors) = await RunAsync(folder, await PostgresServer.NewMigratedDatabaseAsync(), source);

        Assert.Equal((1, ""), (code, output));
        Assert.Contains(problem, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_url_may_be_an_argument_or_another_variable()
    {
        var source = await ReferenceDatabase.CreateAsync();
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        using var folder = new TemporaryFolder();

        var argument = await RunAsync(folder, url, "", "--from", source.Url);
        var variable = await RunAsync(folder, url, source.Url, "--from-env", "IMPORT_FROM");
        var none = await RunAsync(folder, url, source.Url, "--from-env", "OTHER");
        var both = await RunAsync(folder, url, source.Url, "--from-env", "IMPORT_FROM", "--from", source.Url);

        Assert.Equal((0, 0, 1, 1), (argument.Code, variable.Code, none.Code, both.Code));
        Assert.Contains("the environment has no variable OTHER", none.Errors, StringComparison.Ordinal);
        Assert.Contains("not both", both.Errors, StringComparison.Ordinal);
    }

    /// <summary>Runs the command as a process of its own, with the source in IMPORT_FROM.</summary>
    internal static async Task<(int Code, string Output, string Errors)> RunAsync(
        TemporaryFolder folder, string store, string source, params string[] arguments)
    {
        var config = new
        {
            listen = new { host = "127.0.0.1", port = 0, public_url = "http://localhost:18080" },
            oidc = new { issuer = "http://localhost:1", client_id = "c", client_secret = "s" },
            session = new { jwt_secret = TestConfig.JwtSecret },
            store = new { postgres_url = store },
            upstreams = new[] { new { provider = "anthropic", auth = new { api_key = "k" } } },
            admin = new { },
        };
        await File.WriteAllTextAsync(folder.File("gateway.yaml"), JsonSerializer.Serialize(config));
        await using var process = GatewayProcess.Start(
            folder.Path,
            new Dictionary<string, string>
            {
                ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
                ["IMPORT_FROM"] = source,
            },
            ["import", "--config", "gateway.yaml", .. arguments]);
        var code = await process.ExitCodeAsync();
        return (code, Text(process.Output), Text(process.Errors));

        static string Text(CapturedLog log) => string.Concat(log.Lines.Select(line => line + "\n"));
    }
}
