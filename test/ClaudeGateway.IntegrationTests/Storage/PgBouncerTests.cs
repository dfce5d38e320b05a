using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Spend;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class PgBouncerTests
{
    [Fact]
    public async Task Behind_PgBouncer_in_transaction_mode_everything_works_but_news_which_a_warning_says()
    {
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        await using var pooler = await StartAsync(url.Port);
        // Migrates, with the lock of the transaction.
        await using var store = await OpenAsync(pooler, url, "");
        await using var channel = new ReplicaChannel(store.Database, TimeProvider.System, store.Log);
        channel.Start();

        // More at once than the pooler has sessions.
        await Task.WhenAll(Enumerable.Range(9000, 40).Select(id => store.Database.InTransactionAsync(async on =>
        {
            await on.ExecuteAsync("INSERT INTO gw_migration (id, name, applied_at) VALUES ($1, 'x', 1)", id);
            await on.NotifyAsync(new ReplicaMessage("topic", "sender", "text"));
            return await on.FirstAsync("SELECT count(*) FROM gw_migration", static row => row.GetInt64(0));
        })));
        Assert.Equal(
            40L,
            await store.Database.FirstAsync(
                "SELECT count(*) FROM gw_migration WHERE id >= 9000", static row => row.GetInt64(0)));
        Assert.Null(await store.Database.ObstacleAsync());
        await store.Captured.LineAsync("A pooler in transaction mode cannot carry LISTEN");
        Assert.Equal(0, channel.Epoch);
        Assert.True(channel.Replicas > 1);
    }

    [Fact]
    public async Task A_server_setting_that_the_pooler_does_not_pass_on_stops_the_boot_and_names_its_setting()
    {
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        await using var pooler = await StartAsync(url.Port);
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => OpenAsync(pooler, url, "?statement_timeout=5s"));
        Assert.Contains(
            "the pooler takes no startup parameter options. Put it into ignore_startup_parameters of PgBouncer",
            failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_gateways_behind_it_share_sessions_spend_limits_and_revocations()
    {
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        await using var pooler = await StartAsync(url.Port);
        await using var host = new SpendHost(Url(pooler, url, ""));
        // Each migrates, or finds that the other has.
        var started = await Task.WhenAll(host.StartAsync(null, hearsOthers: false), host.StartAsync(null, false));
        var (one, two) = (started[0], started[1]);
        await one.Log.LineAsync("A pooler in transaction mode cannot carry LISTEN");

        // Signed in on one, known to the other, renewed there.
        var session = await one.SignInAsync();
        Assert.Equal(200, await host.SendAsync(session.AccessToken, two));
        var renewed = await two.RefreshAsync(session.RefreshToken);
        Assert.Equal(200, renewed.Status);
        Assert.Equal(200, await host.SendAsync(renewed.AccessToken, one));

        // What one spends counts on the other, and a cap holds there when its call returns.
        host.Spends(30);
        Assert.Equal(200, await host.SendAsync(session.AccessToken, one));
        Assert.Equal(30, await host.SpentAsync("alice", one));
        Assert.Equal(30, await host.SpentAsync("alice", two));
        await host.LimitAsync(SpendHost.User("alice"), "30", gateway: one);
        Assert.Equal(429, await host.SendAsync(session.AccessToken, two));

        // A revocation is looked up every two seconds where no news arrives.
        (await one.PostFormAsync("/oauth/revoke", ("token", session.AccessToken))).Dispose();
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var answer = await two.GetAsync("/v1/models", session.AccessToken);
            if (answer.StatusCode == HttpStatusCode.Unauthorized)
            {
                break;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(5), "not heard of in time");
        }
    }

    private static Task<TestStore> OpenAsync(PgBouncer pooler, Uri url, string parameters) =>
        TestStore.OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret(Url(pooler, url, parameters)),
        });

    private static string Url(PgBouncer pooler, Uri url, string parameters) =>
        $"postgres://postgres@127.0.0.1:{pooler.Port}{url.AbsolutePath}{parameters}";

    /// <summary>Skipped on a developer's machine without it; CI must have it.</summary>
    private static async Task<PgBouncer> StartAsync(int port)
    {
        try
        {
            return await PgBouncer.StartAsync(port);
        }
        catch (InvalidOperationException e)
            when (
                Environment.GetEnvironmentVariable("CI") is null
                && e.Message.Contains("no PgBouncer found", StringComparison.Ordinal))
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
