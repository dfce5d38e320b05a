using System.Globalization;
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
    private const string AdminKey = "admin-key-0123456789-0123456789-0123456789";
    private const string Limits = "/v1/organizations/spend_limits";

    /// <summary>Cents of a message: 1,000 tokens in and 500 out of claude-sonnet-4-6.</summary>
    private const decimal MessageCost = 1.05m;

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
            AssertHolds(limits, await AdminAsync(gateway, ""));
            AssertHolds(state.Trail!.Value, await AdminAsync(gateway, "/audit"));
            Assert.Equal(state.Spent, await SpentAsync(gateway));
            Assert.Equal(5 * MessageCost, state.Spent);
        }

        if (state.Machines is { } machines)
        {
            Assert.Equal(1, machines);
            using var versions = await gateway.SendAsync(
                HttpMethod.Get, "/v1/organizations/settings_versions", null, ("x-api-key", AdminKey));
            using var json = JsonDocument.Parse(await versions.Content.ReadAsStringAsync());
            Assert.Equal(machines, json.RootElement.GetProperty("machines").GetInt32());
        }

        Assert.Equal(HttpStatusCode.OK, await MessageAsync(gateway, state.Bearer));
        Assert.Equal(HttpStatusCode.Unauthorized, await MessageAsync(gateway, state.RevokedBearer));
        var refreshed = await gateway.RefreshAsync(state.RefreshToken);
        Assert.True(refreshed.Status == 200, refreshed.Json.ToString());
        Assert.Equal(HttpStatusCode.OK, await MessageAsync(gateway, refreshed.AccessToken));

        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, state.PendingUserCode);
        var signedIn = await gateway.PollAsync(state.PendingDeviceCode);
        Assert.True(signedIn.Status == 200, signedIn.Json.ToString());
        Assert.Equal(HttpStatusCode.OK, await MessageAsync(gateway, signedIn.AccessToken));
        Assert.Equal((state.Spent ?? 0) + (3 * MessageCost), await SpentAsync(gateway));
    }

    /// <summary>A few seconds after the recording.</summary>
    private async Task<GatewayHost> StartAsync(RecordedState state, StoreConfig store)
    {
        var clock = new ShiftedTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(state.At).AddSeconds(5));
        // Of an earlier run: the provider itself has not changed meanwhile.
        _idp = new FakeIdentityProvider(clock) { KnowsEveryRefreshToken = true };
        var config = TestConfig.Create(_idp, [_upstream]);
        return _gateway = await GatewayHost.StartAsync(
            config with
            {
                Store = store,
                Listen = config.Listen with { PublicUrl = RecordedState.PublicUrl },
                Admin = new AdminConfig { WriteKeys = [new AdminKey("test", new Secret(AdminKey))] },
            },
            clock);
    }

    private static async Task<HttpStatusCode> MessageAsync(GatewayHost gateway, string bearer)
    {
        using var response = await gateway.SendMessageAsync(bearer);
        await response.Content.ReadAsByteArrayAsync();
        return response.StatusCode;
    }

    private static async Task<JsonElement> AdminAsync(GatewayHost gateway, string path)
    {
        using var response = await gateway.SendAsync(HttpMethod.Get, Limits + path, null, ("x-api-key", AdminKey));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("data");
    }

    private static async Task<decimal> SpentAsync(GatewayHost gateway)
    {
        var rows = await AdminAsync(gateway, "/effective?user_ids[]=alice&period[]=monthly");
        return decimal.Parse(rows[0].GetProperty("period_to_date_spend").GetString()!, CultureInfo.InvariantCulture);
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
