using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Alerts;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>The webhook of <c>admin.alerts</c>: once for each threshold and period, whoever notices it.</summary>
public sealed class AlertTests : IAsyncLifetime
{
    private const string Secret = "alert-secret-0123456789";

    private readonly Queue<int> _statuses = [];
    private FakeServer _receiver = null!;
    private SpendHost _host = null!;
    private Func<FakeExchange, Task> _answers = null!;

    public async ValueTask InitializeAsync()
    {
        _answers = e => e.RespondAsync(_statuses.TryDequeue(out var status) ? status : 200, "");
        _receiver = new FakeServer(e => _answers(e));
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
        Assert.Equal(
            [75, 90, 100],
            _receiver.Requests.Select(request => request.Json.GetProperty("threshold").GetInt32()).Order());
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
        Assert.Equal(
            "Group eng has used 90% of its shared budget of $1.00",
            call.Json.GetProperty("text").GetString()!.Split(';')[0]);
        Assert.Equal(("group_pool", "eng", "100", "95"), (
            call.Json.GetProperty("subject").GetProperty("type").GetString(),
            call.Json.GetProperty("subject").GetProperty("rbac_group_id").GetString(),
            call.Json.GetProperty("amount").GetString(),
            call.Json.GetProperty("period_to_date_spend").GetString()));
        Assert.Equal(Signature(call, Secret), Sent(call));
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
        Assert.Equal(
            3, _receiver.Requests.Select(request => request.Json.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task After_a_reload_only_the_new_receiver_is_called_with_the_new_secret_whatever_still_goes_on()
    {
        const string newSecret = "another-secret-0123456789";
        await using var next = new FakeServer(e => e.RespondAsync(200, ""));
        var gateway = await StartAsync();
        await _host.LimitAsync(SpendHost.User("alice"), "1000", "monthly");
        await _host.LimitAsync(SpendHost.User("bob"), "1000", "monthly");

        // A stream of the old configuration, and a call to the old receiver that is never answered.
        var goOn = new TaskCompletionSource();
        _host.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            var usage = new { input_tokens = 2_600_000, output_tokens = 0 };
            var events = FakeUpstream.MessageEvents("claude-sonnet-4-6", usage: usage, outputTokens: 0).ToList();
            await e.WriteAsync(events[0]);
            await goOn.Task;
            await e.WriteAsync(events[^2]);
            await e.EndAsync();
        });
        using var stream = await gateway.SendMessageAsync(_host.Bearer("alice"), stream: true);
        _answers = e => e.StallAsync();
        _host.Spends(780);
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("bob")));
        await _receiver.RequestCountAsync(1);

        await ReloadAsync(gateway, new AlertsConfig(next.Url, new Secret(newSecret), [75]));
        await next.RequestCountAsync(1);
        goOn.SetResult();
        await stream.Content.ReadAsByteArrayAsync();
        await next.RequestCountAsync(2);

        Assert.Single(_receiver.Requests);
        Assert.Equal(
            ["bob", "alice"],
            next.Requests.Select(request => request.Json.GetProperty("subject").GetProperty("user_id").GetString()));
        Assert.All(next.Requests, request => Assert.Equal(Signature(request, newSecret), Sent(request)));
    }

    [Fact]
    public async Task After_a_reload_without_alerts_nobody_is_called()
    {
        var gateway = await StartAsync();
        await _host.LimitAsync(SpendHost.User("alice"), "1000", "monthly");
        await ReloadAsync(gateway, null);
        _host.Spends(990);
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("alice")));
        Assert.Equal(990, await _host.SpentAsync("alice"));
        await _host.StopAsync(gateway);
        Assert.Empty(_receiver.Requests);
    }

    [Fact]
    public async Task What_a_slow_receiver_keeps_one_replica_at_is_nobody_elses_until_that_can_be_over()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var database = await SpendRoundTests.OpenAsync(isPostgres: true);
        var store = new AlertStore(database, clock);
        var limit = new SpendLimit("spl_1", 1, SpendScope.Organization, SpendPeriod.Daily, 100, null, default, default);
        for (var i = 0; i < 20; i++)
        {
            var cap = new CapState(limit, 100, Money.FromCents(90), clock.GetUtcNow());
            var today = SpendPeriods.Day(clock.GetUtcNow());
            await store.AddAsync(new SpendAlert(90, CounterKind.User, $"dev{i}", null, cap, today));
        }

        var (one, two) = (await store.LeaseAsync(), await store.LeaseAsync());
        Assert.Empty(one.Select(alert => alert.Id).Intersect(two.Select(alert => alert.Id)));
        clock.Advance(AlertSender.CallTimeout * one.Count);
        Assert.DoesNotContain(await store.LeaseAsync(), alert => one.Exists(first => first.Id == alert.Id));
    }

    private static Task ReloadAsync(GatewayHost gateway, AlertsConfig? alerts) => gateway.App.ReloadAsync(
        gateway.Config with { Admin = gateway.Config.Admin! with { Alerts = alerts } }, CancellationToken.None);

    private static string Sent(RecordedRequest call) => call.Headers
        .Single(header => AlertSender.SignatureHeader.Equals(header.Key, StringComparison.OrdinalIgnoreCase))
        .Value;

    private static string Signature(RecordedRequest call, string secret)
    {
        var time = Sent(call).Split(',')[0][2..];
        var signed = Encoding.UTF8.GetBytes($"{time}.{Encoding.UTF8.GetString(call.Body)}");
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed);
        return $"t={time},v1={Convert.ToHexStringLower(mac)}";
    }

    private Task<GatewayHost> StartAsync() => _host.StartAsync(config => config with
    {
        Admin = config.Admin! with { Alerts = new AlertsConfig(_receiver.Url, new Secret(Secret), [75, 90, 100]) },
    });
}
