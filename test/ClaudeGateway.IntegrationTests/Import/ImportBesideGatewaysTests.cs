using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Spend;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Import;

/// <summary>An import into a store that gateways are working with.</summary>
public sealed class ImportBesideGatewaysTests : IAsyncLifetime
{
    private string _url = null!;
    private SpendHost _host = null!;
    private GatewayHost _one = null!;
    private GatewayHost _two = null!;

    public async ValueTask InitializeAsync()
    {
        _url = await PostgresServer.NewMigratedDatabaseAsync();
        _host = new SpendHost(_url);
        _one = await _host.StartAsync();
        _two = await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Gateways_act_by_imported_spend_and_limits_at_once()
    {
        var source = await ReferenceDatabase.CreateAsync();
        await source.SpendAsync("alice", 99.5m);
        var (alice, bob) = (_host.Bearer("alice"), _host.Bearer("Bob"));
        await _host.LimitAsync(SpendHost.User("alice"), "100", "monthly");
        _host.Spends(0.3m);
        // From here on both know alice's counters and believe what they are told of them.
        foreach (var gateway in new[] { _one, _two })
        {
            Assert.Equal(200, await _host.SendAsync(alice, gateway));
            Assert.Equal(200, await _host.SendAsync(bob, gateway));
        }

        Assert.Equal(0.6m, await _host.SpentAsync("alice", _one));

        await ImportAsync(source);

        // The source's 0 a day for Bob; alice has her limit of here, and both have what was spent at both places.
        Assert.All(
            await Task.WhenAll(new[] { _one, _two }.Select(gateway => UntilRefusedAsync(bob, gateway))), Assert.True);
        Assert.Equal(100.1m, await _host.SpentAsync("alice", _one));
        Assert.Equal(100.1m, await _host.SpentAsync("alice", _two));
        Assert.Equal(429, await _host.SendAsync(alice, _one));
        Assert.Equal(429, await _host.SendAsync(alice, _two));
    }

    [Fact]
    public async Task Replicas_are_told_the_new_totals_of_the_current_periods_and_of_no_others()
    {
        var source = await ReferenceDatabase.CreateAsync();
        await source.SpendAsync("alice", 99.5m);
        await using var connection = new NpgsqlConnection(TestUrl(_url));
        await connection.OpenAsync();
        var told = new List<string>();
        connection.Notification += (_, notification) => told.Add(notification.Payload);
        await ExecuteAsync(connection, $"LISTEN {ReplicaMessage.Channel}");

        await ImportAsync(source);
        await ExecuteAsync(connection, "SELECT 1"); // What was committed before this statement has arrived with it.

        var words = told.Select(ReplicaMessage.Parse).Where(message => message.Topic == "spend")
            .SelectMany(message => message.Text.Split(' ')).ToArray();
        var key = CounterKey.Of(CounterKind.User, "alice").ToString();
        Assert.Equal(12, words.Length);
        Assert.All(words.Chunk(4), total => Assert.Equal((key, "99500000000"), (total[0], total[3])));
        Assert.Equal(["0", "1", "2"], words.Chunk(4).Select(total => total[1]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_gateways_write_meanwhile_and_what_is_imported_both_count()
    {
        var source = await ReferenceDatabase.CreateAsync();
        var alice = _host.Bearer("alice");
        _host.Spends(0.3m);
        await _host.LimitAsync(SpendHost.Organization, "1000000", "monthly");
        var sent = 0;
        for (var round = 1; round <= 5; round++)
        {
            await source.SpendAsync("alice", 2);
            var sending = Enumerable.Range(0, 40)
                .Select(i => _host.SendAsync(alice, i % 2 == 0 ? _one : _two)).ToArray();
            await ImportAsync(source);
            Assert.All(await Task.WhenAll(sending), status => Assert.Equal(200, status));
            sent += sending.Length;
        }

        // Each tells what it knows after writing what it had: the second has both.
        await _host.SpentAsync("alice", _two);
        Assert.Equal((sent * 0.3m) + 10, await _host.SpentAsync("alice", _one));
    }

    private async Task ImportAsync(ReferenceDatabase source)
    {
        await using var store = await TestStore.OpenAsync(new StoreConfig { PostgresUrl = new Secret(_url) });
        await ImportTests.Importer(store).ApplyAsync(await source.ReadAsync(), overwrite: false);
    }

    /// <summary>The news travels while the import's call returns: a request may be a millisecond early.</summary>
    private async Task<bool> UntilRefusedAsync(string bearer, GatewayHost gateway)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (await _host.SendAsync(bearer, gateway) != 429)
        {
            if (TimeProvider.System.GetElapsedTime(deadline) > Signal.Timeout)
            {
                return false;
            }
        }

        return true;
    }

    private static string TestUrl(string url)
    {
        var address = new Uri(url);
        var database = address.AbsolutePath.Trim('/');
        return $"Host=127.0.0.1;Port={address.Port};Username=postgres;Database={database};Pooling=false";
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are the test's own.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
