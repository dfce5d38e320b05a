using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Microsoft.Data.Sqlite;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>
/// A backup that is taken while a gateway works, as docs/backup.md says, and a gateway that goes on with it.
/// </summary>
public sealed class BackupTests : IAsyncDisposable
{
    private const string AdminKey = "admin-key-0123456789-0123456789-0123456789";

    /// <summary>Cents of a message: 1,000 tokens in and 500 out of claude-sonnet-4-6.</summary>
    private const decimal MessageCost = 1.05m;

    private readonly TemporaryFolder _folder = new();
    private readonly FakeUpstream _upstream = new();
    private readonly FakeIdentityProvider _idp = new();

    /// <summary>It says which library SQLite is.</summary>
    static BackupTests() => RuntimeHelpers.RunClassConstructor(typeof(SqliteDataSource).TypeHandle);

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
                await MessageAsync(gateway, kept.AccessToken);
            }

            Assert.Equal(5 * MessageCost, await SpentAsync(gateway));
            using var stop = new CancellationTokenSource();
            var loading = LoadAsync(gateway, stop.Token);
            restored = await BackUpAndRestoreAsync(store);
            await stop.CancelAsync();
            await loading;
            Assert.True(load > 0);
            Assert.Equal((5 + load) * MessageCost, await SpentAsync(gateway));
        }

        await using var other = await StartAsync(restored);
        var spent = await SpentAsync(other);
        Assert.InRange(spent, 5 * MessageCost, (5 + load) * MessageCost);
        Assert.Equal(0, spent % MessageCost);
        Assert.Equal(HttpStatusCode.OK, await MessageAsync(other, kept.AccessToken));
        Assert.Equal(HttpStatusCode.Unauthorized, await MessageAsync(other, revoked.AccessToken));
        var refreshed = await other.RefreshAsync(kept.RefreshToken);
        Assert.Equal(200, refreshed.Status);
        Assert.Equal(HttpStatusCode.OK, await MessageAsync(other, refreshed.AccessToken));
        Assert.Equal(spent + (2 * MessageCost), await SpentAsync(other));

        async Task LoadAsync(GatewayHost gateway, CancellationToken stopped)
        {
            while (!stopped.IsCancellationRequested)
            {
                Assert.Equal(HttpStatusCode.OK, await MessageAsync(gateway, kept.AccessToken));
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
        await using var source = new SqliteConnection($"Data Source={store.SqlitePath};Pooling=False");
        await source.OpenAsync();
        await using var target = new SqliteConnection($"Data Source={copy};Pooling=False");
        await target.OpenAsync();
        // What the command .backup does too.
        source.BackupDatabase(target);
        return new StoreConfig { SqlitePath = copy };
    }

    private Task<GatewayHost> StartAsync(StoreConfig store)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        return GatewayHost.StartAsync(config with
        {
            Store = store,
            Listen = config.Listen with { PublicUrl = RecordedState.PublicUrl },
            Admin = new AdminConfig { WriteKeys = [new AdminKey("test", new Secret(AdminKey))] },
        });
    }

    private static async Task<HttpStatusCode> MessageAsync(GatewayHost gateway, string bearer)
    {
        using var response = await gateway.SendMessageAsync(bearer);
        await response.Content.ReadAsByteArrayAsync();
        return response.StatusCode;
    }

    /// <summary>Cents of this month; what is not written yet is written before the answer.</summary>
    private static async Task<decimal> SpentAsync(GatewayHost gateway)
    {
        using var response = await gateway.SendAsync(
            HttpMethod.Get,
            "/v1/organizations/spend_limits/effective?user_ids[]=alice&period[]=monthly",
            null,
            ("x-api-key", AdminKey));
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return decimal.Parse(
            json.RootElement.GetProperty("data")[0].GetProperty("period_to_date_spend").GetString()!,
            CultureInfo.InvariantCulture);
    }
}
