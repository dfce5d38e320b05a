using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Storage;

/// <summary>A primary, a streaming standby that is promoted, and a gateway that has to follow.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private const string Hearing = "store: hearing of other replicas";

    private PostgresServer _primary = null!;
    private PostgresServer _standby = null!;
    private Uri _url = null!;

    public async ValueTask InitializeAsync()
    {
        _primary = await PostgresServer.StartAsync();
        _url = new Uri(await _primary.CreateDatabaseAsync());
        _standby = await _primary.StartStandbyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _standby.DisposeAsync();
        await _primary.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_gateway_is_read_only_until_the_standby_is_promoted_and_ready_right_after(bool hasTwoHosts)
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var relay = new TcpRelay(_primary.Port);
        var hosts = hasTwoHosts ? $"127.0.0.1:{_primary.Port},127.0.0.1:{_standby.Port}" : $"127.0.0.1:{relay.Port}";
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(idp, [upstream], $"postgres://postgres@{hosts}{_url.AbsolutePath}"), clock);
        await gateway.SignInAsync();

        // The address leads to the standby before that is promoted.
        relay.Retarget(_standby.Port);
        relay.Cut();
        // Ends when the standby has everything.
        await _primary.StopServerAsync();
        using (var refused = await gateway.PostFormAsync("/oauth/device_authorization"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        clock.Advance(SharedProbe.MaxAge);
        using (var during = await gateway.GetAsync("/readyz"))
        {
            Assert.Equal(
                (HttpStatusCode.ServiceUnavailable, "read-only"),
                (during.StatusCode, await during.Content.ReadAsStringAsync()));
        }

        await _standby.PromoteAsync();
        clock.Advance(SharedProbe.MaxAge);
        using (var after = await gateway.GetAsync("/readyz"))
        {
            Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        }

        await gateway.SignInAsync();
        await gateway.AuthorizeDeviceAsync();
        Assert.Equal(1L, await CountAsync("SELECT count(*) FROM gw_device_grant WHERE status = 'pending'"));
    }

    [Fact]
    public async Task News_are_heard_from_the_promoted_server_though_the_old_one_still_answers()
    {
        await using var relay = new TcpRelay(_primary.Port);
        await using var store = await TestStore.OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret($"postgres://postgres@127.0.0.1:{relay.Port}{_url.AbsolutePath}"),
            MaxConnections = 1,
        });
        await using var channel = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        channel.Start();
        await store.Captured.LineAsync(Hearing);

        // Nothing is cut: sessions of the old primary go on, read-only from now on, and new ones lead elsewhere.
        await CaughtUpAsync();
        await _standby.PromoteAsync();
        await _primary.ExecuteAsync("ALTER SYSTEM SET default_transaction_read_only = on");
        await _primary.ExecuteAsync("SELECT pg_reload_conf()");
        // A session reads the new configuration between two statements, once the server has passed the signal on.
        const string isReadOnly = "SELECT current_setting('transaction_read_only') = 'on'";
        while (!await store.Database.FirstAsync(isReadOnly, static row => row.GetBoolean(0)))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }

        relay.Retarget(_standby.Port);
        await store.Database.ExecuteAsync("INSERT INTO gw_migration (id, name, applied_at) VALUES (9999, 'x', 1)");
        Assert.Equal(1L, await CountAsync("SELECT count(*) FROM gw_migration WHERE id = 9999"));
        // Takes the seven seconds between two probes.
        await store.Captured.LineCountAsync(Hearing, 2);
        const string listeners =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'claude-gateway replica %'";
        Assert.Equal(1L, await CountAsync(listeners));
    }

    [Fact]
    public async Task A_primary_that_falls_silent_is_left_for_the_promoted_one()
    {
        await using var relay = new TcpRelay(_primary.Port);
        await using var store = await TestStore.OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret(
                $"postgres://postgres@127.0.0.1:{relay.Port},127.0.0.1:{_standby.Port}{_url.AbsolutePath}"),
        });
        // Every connection of the pool is to be silent.
        const string slow = "SELECT pg_sleep(0.2)::text";
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => store.Database.FirstAsync(slow, static _ => 1)));
        await CaughtUpAsync();
        relay.FallSilent();
        await _standby.PromoteAsync();
        // The first statement waits for its time limit, and tells the others not to.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => WriteAsync(store.Database, 9998));
        await WriteAsync(store.Database, 9999);
        Assert.Equal(1L, await CountAsync("SELECT count(*) FROM gw_migration WHERE id = 9999"));
    }

    private static Task<int> WriteAsync(Database database, int id) =>
        database.ExecuteAsync("INSERT INTO gw_migration (id, name, applied_at) VALUES ($1, 'x', 1)", id);

    /// <summary>
    /// Nobody's commit waits for the standby; what it has not got by the time it is promoted would be lost.
    /// </summary>
    private async Task CaughtUpAsync()
    {
        var written = await AskAsync(_primary.Port, "SELECT pg_current_wal_insert_lsn()::text");
        await AskAsync(
            _standby.Port,
            $"DO $$ BEGIN WHILE pg_last_wal_replay_lsn() < '{written}' LOOP PERFORM pg_sleep(0.01); END LOOP; END $$");
    }

    /// <summary>Asked of the promoted server.</summary>
    private async Task<long> CountAsync(string sql) => (long)(await AskAsync(_standby.Port, sql))!;

    private async Task<object?> AskAsync(int port, string sql)
    {
        await using var source = NpgsqlDataSource.Create(
            $"Host=127.0.0.1;Port={port};Username=postgres;Database={_url.AbsolutePath[1..]};Pooling=false");
#pragma warning disable CA2100 // The statements are the tests' own.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }
}
