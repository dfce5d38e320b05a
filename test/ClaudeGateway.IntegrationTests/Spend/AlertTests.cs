using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>The webhook of <c>admin.alerts</c>: once for each threshold and period, whoever notices it.</summary>
public sealed class AlertTests : IAsyncLifetime
{
    private const string Secret = "alert-secret-0123456789";

    private readonly Queue<int> _statuses = [];
    private FakeServer _receiver = null!;
    private SpendHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _receiver = new FakeServer(e => e.RespondAsync(_statuses.TryDequeue(out var status) ? status : 200, ""));
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task Each_threshold_is_told_once_by_all_replicas_together()
    {
        var (one, two) = (await StartAsync(), await StartAsync());
        await _host.LimitAsync(SpendHost.User("alice"), "1000", "monthly");
        var bearer = _host.Bearer("alice");
        _host.Spends(81);
        for (var i = 0; i < 12; i++)
        {
            Assert.Equal(200, await _host.SendAsync(bearer, i % 2 == 0 ? one : two));
        }

        _host.Spends(90);
        Assert.Equal(200, await _host.SendAsync(bearer, one));
        // The other one's part may still be on its way into the store.
        await _host.SpentAsync("alice", two);
        Assert.Equal(1062, await _host.SpentAsync("alice", one));
        Assert.Equal(429, await _host.SendAsync(bearer, two));
        Assert.Equal(429, await _host.SendAsync(bearer, one));
        await _receiver.RequestCountAsync(3);
        await _host.StopAsync(one);
        await _host.StopAsync(two);
        Assert.Equal([75, 90, 100], _receiver.Requests.Select(request => request.Json.GetProperty("threshold").GetInt32()).Order());
    }

    [Fact]
    public async Task A_call_says_what_happened_and_is_signed()
    {
        await StartAsync();
        await _host.LimitAsync(SpendHost.Group("eng"), "1000", "monthly", pool: new { amount = "100" });
        _host.Spends(95);
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("alice", "eng")));
        await _receiver.RequestCountAsync(2);
        var call = await _receiver.RequestAsync(request => request.Json.GetProperty("threshold").GetInt32() == 90);
        Assert.Equal("Group eng has used 90% of its shared budget of $1.00", call.Json.GetProperty("text").GetString()!.Split(';')[0]);
        Assert.Equal(("group_pool", "eng", "100", "95"), (
            call.Json.GetProperty("subject").GetProperty("type").GetString(),
            call.Json.GetProperty("subject").GetProperty("rbac_group_id").GetString(),
            call.Json.GetProperty("amount").GetString(),
            call.Json.GetProperty("period_to_date_spend").GetString()));
        var signature = call.Headers.Single(header => header.Key.Equals("x-claude-gateway-signature", StringComparison.OrdinalIgnoreCase)).Value;
        var time = signature.Split(',')[0][2..];
        var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{time}.{Encoding.UTF8.GetString(call.Body)}"));
        Assert.Equal($"t={time},v1={Convert.ToHexStringLower(expected)}", signature);
    }

    [Fact]
    public async Task A_receiver_that_fails_is_called_again_and_a_lowered_cap_counts_too()
    {
        _statuses.Enqueue(500);
        await StartAsync();
        _host.Spends(60);
        var bearer = _host.Bearer("alice");
        Assert.Equal(200, await _host.SendAsync(bearer));
        await _host.LimitAsync(SpendHost.Organization, "50");
        Assert.Equal(429, await _host.SendAsync(bearer));
        await _receiver.RequestCountAsync(4);
        Assert.Equal(3, _receiver.Requests.Select(request => request.Json.GetProperty("id").GetString()).Distinct().Count());
    }

    private Task<GatewayHost> StartAsync() => _host.StartAsync(config => config with
    {
        Admin = config.Admin! with { Alerts = new AlertsConfig(_receiver.Url, new Secret(Secret), [75, 90, 100]) },
    });
}
