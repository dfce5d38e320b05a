using ClaudeGateway.Composition;
using ClaudeGateway.Process;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>
/// A row that the store refuses for good, here by a constraint that somebody has added: it stops nobody else's spend.
/// </summary>
public sealed class RefusedRowTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_but_the_refused_row_is_written_and_that_one_counts_in_memory(bool isPostgres)
    {
        var url = isPostgres ? await PostgresServer.NewMigratedDatabaseAsync() : null;
        await using var host = new SpendHost(url);
        var gateway = await host.StartAsync();
        await using var database = await DatabaseAsync(gateway);
        await RefuseAsync(database, isPostgres);
        await host.LimitAsync(SpendHost.User("refused"), "100");

        host.Spends(30);
        var others = Enumerable.Range(0, 20).Select(i => host.Bearer($"dev{i}")).ToList();
        await Task.WhenAll(others.Append(host.Bearer("refused")).Select(bearer => host.SendAsync(bearer)));
        await Task.WhenAll(others.Append(host.Bearer("refused")).Select(bearer => host.SendAsync(bearer)));

        var spent = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => host.SpentAsync($"dev{i}")));
        Assert.All(spent, cents => Assert.Equal(60, cents));
        await gateway.Log.LineAsync("spend: the store refuses 0.30 US dollars of a developer");
        Assert.Equal(200, await host.SendAsync(host.Bearer("refused")));
        Assert.Equal(200, await host.SendAsync(host.Bearer("refused")));
        Assert.Equal(429, await host.SendAsync(host.Bearer("refused")));
        Assert.Equal(20 * 60, await StoredAsync(database));
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("the store is away", StringComparison.Ordinal));
        await host.StopAsync(gateway);
        var lost = await gateway.Log.LineAsync("spend: 1.20 US dollars of 1 developer could not be written");
        Assert.EndsWith("and are lost: the store refuses them", lost, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_refuses_every_round_is_told_of_once()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var host = new SpendHost(url);
        var gateway = await host.StartAsync();
        await using var database = await DatabaseAsync(gateway);
        await host.LimitAsync(SpendHost.User("alice"), "1000");
        await database.ExecuteAsync("ALTER TABLE gw_spend_counter RENAME TO away");
        host.Spends(30);

        // Each one asks the store, and so begins a round.
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(200, await host.SendAsync(host.Bearer("alice")));
        }

        await database.ExecuteAsync("ALTER TABLE away RENAME TO gw_spend_counter");
        await gateway.Log.LineAsync("spend: the store answers again");
        Assert.Single(
            gateway.Log.Lines, line => line.Contains("the store refused a round", StringComparison.Ordinal));
        Assert.Equal(300, await host.SpentAsync("alice"));
    }

    [Fact]
    public async Task What_was_refused_is_tried_again_before_the_gateway_stops()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var host = new SpendHost(url);
        var gateway = await host.StartAsync();
        await using var database = await DatabaseAsync(gateway);
        await RefuseAsync(database, isPostgres: true);
        host.Spends(30);
        Assert.Equal(200, await host.SendAsync(host.Bearer("refused")));
        await gateway.Log.LineAsync("spend: the store refuses 0.30 US dollars of a developer");

        await database.ExecuteAsync("DROP TRIGGER refusal ON gw_spend_counter");
        await host.StopAsync(gateway);

        Assert.Equal(30, await StoredAsync(database));
    }

    /// <summary>The gateway's own store, opened once more.</summary>
    internal static async Task<Database> DatabaseAsync(GatewayHost gateway)
    {
        using var lines = new Logging.StderrLines(Stream.Null);
        var log = new Logging.OperationalLog(lines, TimeProvider.System, Logging.LogLevel.Error);
        return await new StoreStartup(
            gateway.Config, StoreTables.Migrations, new ProcessEnvironment(new Dictionary<string, string>()),
            TimeProvider.System, log)
            .OpenAsync(CancellationToken.None);
    }

    private static async Task RefuseAsync(Database database, bool isPostgres)
    {
        var key = CounterKey.Of(CounterKind.User, "refused");
        if (isPostgres)
        {
            await database.ExecuteAsync(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$
                """);
            await database.ExecuteAsync(
                $"""
                CREATE TRIGGER refusal BEFORE INSERT OR UPDATE ON gw_spend_counter
                FOR EACH ROW WHEN (NEW.key = '\x{key}') EXECUTE FUNCTION refuse()
                """);
        }
        else
        {
            await database.ExecuteAsync(
                $"""
                CREATE TRIGGER refusal BEFORE INSERT ON gw_spend_counter WHEN NEW.key = x'{key}'
                BEGIN SELECT RAISE(ABORT, 'not this one'); END
                """);
        }
    }

    private static async Task<long> StoredAsync(Database database)
    {
        var rows = await database.AllAsync(
            "SELECT amount FROM gw_spend_counter WHERE period = 2", static row => new Money(row.GetInt64(0)));
        return rows.Sum(amount => amount.WholeCents);
    }
}
