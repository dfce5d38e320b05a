using System.Net;
using System.Text.Json;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>
/// This program on what programs of every earlier schema left: nobody is signed out, nobody comes back, no cent and no
/// limit is lost.
/// </summary>
public sealed class UpgradeTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeUpstream _upstream = new();
    private FakeIdentityProvider? _idp;
    private GatewayHost? _gateway;

    public static TheoryData<string, int> Recorded =>
        [
            .. RecordedStore.Schemas(isPostgres: false).Select(schema => (TestStore.Sqlite, schema)),
            .. RecordedStore.Schemas(isPostgres: true).Select(schema => (TestStore.Postgres, schema)),
        ];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        if (_idp is not null)
        {
            await _idp.DisposeAsync();
        }

        await _upstream.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void There_is_a_recording_of_the_first_schema_and_of_this_one()
    {
        foreach (var isPostgres in (bool[])[false, true])
        {
            var schemas = RecordedStore.Schemas(isPostgres).ToArray();
            Assert.Equal(1, schemas[0]);
            Assert.Equal(StoreTables.Migrations.Count, schemas[^1]);
        }
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public async Task What_was_signed_in_spent_and_limited_before_goes_on(string kind, int schema)
    {
        if (kind == TestStore.Postgres)
        {
            await TestStore.ConfigAsync(kind); // Skips where there is no PostgreSQL.
        }

        var recorded = new RecordedStore(schema, kind == TestStore.Postgres);
        var state = await recorded.StateAsync();
        var gateway = await StartAsync(state, await recorded.RestoreAsync(_folder));

        var applied = StoreTables.Migrations.Count - schema;
        if (applied > 0)
        {
            await gateway.Log.LineAsync($"store: applied {applied} migration{(applied == 1 ? "" : "s")}");
        }

        if (state.Limits is { } limits)
        {
            AssertHolds(limits, await gateway.LimitsAsync(""));
            AssertHolds(state.Trail!.Value, await gateway.LimitsAsync("/audit"));
            Assert.Equal(state.Spent, await gateway.SpentAsync());
            Assert.Equal(5 * StoreHost.MessageCost, state.Spent);
        }

        if (state.Machines is { } machines)
        {
            Assert.Equal(1, machines);
            using var versions = await gateway.SendAsync(
                HttpMethod.Get, "/v1/organizations/settings_versions", null, ("x-api-key", StoreHost.AdminKey));
            using var json = JsonDocument.Parse(await versions.Content.ReadAsStringAsync());
            Assert.Equal(machines, json.RootElement.GetProperty("machines").GetInt32());
        }

        Assert.Equal(HttpStatusCode.OK, await gateway.MessageAsync(state.Bearer));
        Assert.Equal(HttpStatusCode.Unauthorized, await gateway.MessageAsync(state.RevokedBearer));
        var refreshed = await gateway.RefreshAsync(state.RefreshToken);
        Assert.True(refreshed.Status == 200, refreshed.Json.ToString());
        Assert.Equal(HttpStatusCode.OK, await gateway.MessageAsync(refreshed.AccessToken));

        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, state.PendingUserCode);
        var signedIn = await gateway.PollAsync(state.PendingDeviceCode);
        Assert.True(signedIn.Status == 200, signedIn.Json.ToString());
        Assert.Equal(HttpStatusCode.OK, await gateway.MessageAsync(signedIn.AccessToken));
        Assert.Equal((state.Spent ?? 0) + (3 * StoreHost.MessageCost), await gateway.SpentAsync());
    }

    /// <summary>A few seconds after the recording.</summary>
    private async Task<GatewayHost> StartAsync(RecordedState state, StoreConfig store)
    {
        var clock = new ShiftedTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(state.At).AddSeconds(5));
        // Of an earlier run: the provider itself has not changed meanwhile.
        _idp = new FakeIdentityProvider(clock) { KnowsEveryRefreshToken = true };
        return _gateway = await StoreHost.StartAsync(store, _idp, _upstream, clock);
    }

    /// <summary>Whatever was said then is said now; there may be more.</summary>
    private static void AssertHolds(JsonElement then, JsonElement now)
    {
        switch (then.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in then.EnumerateObject())
                {
                    Assert.True(now.TryGetProperty(member.Name, out var value), $"{member.Name} is not in {now}");
                    AssertHolds(member.Value, value);
                }

                break;
            case JsonValueKind.Array:
                Assert.Equal(then.GetArrayLength(), now.GetArrayLength());
                foreach (var (before, after) in then.EnumerateArray().Zip(now.EnumerateArray()))
                {
                    AssertHolds(before, after);
                }

                break;
            default:
                Assert.Equal(then.ToString(), now.ToString());
                break;
        }
    }
}
