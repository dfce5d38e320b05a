using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>
/// A backup that is taken while a gateway works, as docs/backup.md says, and a gateway that goes on with it.
/// </summary>
public sealed class BackupTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeUpstream _upstream = new();
    private readonly FakeIdentityProvider _idp = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_gateway_goes_on_with_a_backup_that_was_taken_under_load(string kind)
    {
        var store = kind == TestStore.Postgres
            ? await TestStore.ConfigAsync(kind)
            : new StoreConfig { SqlitePath = _folder.File("gateway.db") };
        Assert.SkipWhen(
            kind == TestStore.Postgres
                && !PostgresPrograms.AreThere
                && Environment.GetEnvironmentVariable("CI") is null,
            "no pg_dump found");
        StoreConfig restored;
        TokenAnswer kept, revoked;
        var load = 0;
        await using (var gateway = await StartAsync(store))
        {
            revoked = await gateway.SignInAsync();
            (await gateway.PostFormAsync("/oauth/revoke", ("token", revoked.RefreshToken))).Dispose();
            kept = await gateway.SignInAsync();
            for (var i = 0; i < 5; i++)
            {
                await gateway.MessageAsync(kept.AccessToken);
            }

            Assert.Equal(5 * StoreHost.MessageCost, await gateway.SpentAsync());
            using var stop = new CancellationTokenSource();
            var loading = LoadAsync(gateway, stop.Token);
            restored = await BackUpAndRestoreAsync(store);
            await stop.CancelAsync();
            await loading;
            Assert.True(load > 0);
            Assert.Equal((5 + load) * StoreHost.MessageCost, await gateway.SpentAsync());
        }

        await using var other = await StartAsync(restored);
        var spent = await other.SpentAsync();
        Assert.InRange(spent, 5 * StoreHost.MessageCost, (5 + load) * StoreHost.MessageCost);
        Assert.Equal(0, spent % StoreHost.MessageCost);
        Assert.Equal(HttpStatusCode.OK, await other.MessageAsync(kept.AccessToken));
        Assert.Equal(HttpStatusCode.Unauthorized, await other.MessageAsync(revoked.AccessToken));
        var refreshed = await other.RefreshAsync(kept.RefreshToken);
        Assert.Equal(200, refreshed.Status);
        Assert.Equal(HttpStatusCode.OK, await other.MessageAsync(refreshed.AccessToken));
        Assert.Equal(spent + (2 * StoreHost.MessageCost), await other.SpentAsync());

        async Task LoadAsync(GatewayHost gateway, CancellationToken stopped)
        {
            while (!stopped.IsCancellationRequested)
            {
                Assert.Equal(HttpStatusCode.OK, await gateway.MessageAsync(kept.AccessToken));
                load++;
            }
        }
    }

    private async Task<StoreConfig> BackUpAndRestoreAsync(StoreConfig store)
    {
        if (store.PostgresUrl is { } url)
        {
            var file = _folder.File("gateway.dump");
            await PostgresPrograms.BackUpAsync(url.Reveal(), file);
            var empty = await PostgresServer.NewDatabaseAsync();
            await PostgresPrograms.RestoreAsync(file, empty);
            return new StoreConfig { PostgresUrl = new Secret(empty) };
        }

        var copy = _folder.File("copy.db");
        await SqliteBackup.CopyAsync(store.SqlitePath!, copy);
        return new StoreConfig { SqlitePath = copy };
    }

    private Task<GatewayHost> StartAsync(StoreConfig store) => StoreHost.StartAsync(store, _idp, _upstream);
}
