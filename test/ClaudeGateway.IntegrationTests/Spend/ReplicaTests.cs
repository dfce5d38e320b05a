using System.Globalization;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>Several gateways on one database act as one.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private SpendHost _host = null!;
    private GatewayHost _one = null!;
    private GatewayHost _two = null!;

    public async ValueTask InitializeAsync()
    {
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        _one = await _host.StartAsync();
        _two = await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_changed_cap_holds_on_the_other_replica_when_its_call_returns()
    {
        var bearer = _host.Bearer("alice");
        for (var i = 0; i < 10; i++)
        {
            // So many at once that the ledger answers by itself, without asking the store.
            Assert.All(
                await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => _host.SendAsync(bearer, _two))),
                status => Assert.Equal(200, status));
            var cap = await _host.LimitAsync(SpendHost.User("alice"), "0", gateway: _one);
            Assert.Equal(429, await _host.SendAsync(bearer, _two));
            using var deleted = await _host.AdminAsync(
                HttpMethod.Delete, "/" + cap.GetProperty("id").GetString(), null, _one);
            Assert.Equal(200, await _host.SendAsync(bearer, _two));
        }
    }

    [Fact]
    public async Task What_is_spent_on_one_replica_counts_on_the_other()
    {
        var bearer = _host.Bearer("alice");
        await _host.LimitAsync(SpendHost.User("alice"), "30");
        Assert.Equal(200, await _host.SendAsync(bearer, _two));
        _host.Spends(30);
        Assert.Equal(200, await _host.SendAsync(bearer, _one));
        Assert.Equal(30, await _host.SpentAsync("alice", _one));
        Assert.Equal(429, await _host.SendAsync(bearer, _two));
        Assert.Equal(30, await _host.SpentAsync("alice", _two));
    }

    [Fact]
    public async Task A_hundred_requests_at_once_cannot_all_slip_under_a_cap()
    {
        const int capCents = 100;
        const int costCents = 30;
        var bearer = _host.Bearer("alice");
        await _host.LimitAsync(SpendHost.User("alice"), capCents.ToString(CultureInfo.InvariantCulture));
        _host.Spends(costCents);
        var served = (
            await Task.WhenAll(
                Enumerable.Range(0, 100).Select(i => UntilAnsweredAsync(bearer, i % 2 == 0 ? _one : _two))))
                .Count(status => status == 200);
        // One request too many on each replica at most.
        Assert.InRange(served * costCents, capCents, capCents + (2 * costCents));
        // Each tells what it knows after writing what it had: the second has both.
        await _host.SpentAsync("alice", _two);
        Assert.Equal(served * costCents, await _host.SpentAsync("alice", _one));
    }

    [Fact]
    public async Task A_group_shares_one_budget_over_all_replicas()
    {
        await _host.LimitAsync(SpendHost.Group("eng"), "100000", "monthly", pool: new { amount = "100" });
        _host.Spends(60);
        var (alice, bob) = (_host.Bearer("alice", "eng"), _host.Bearer("bob", "eng"));
        Assert.Equal(200, await _host.SendAsync(alice, _one));
        Assert.Equal(60, await PoolAsync(_one));
        Assert.Equal(60, await PoolAsync(_two));
        Assert.Equal(200, await _host.SendAsync(bob, _two));
        Assert.Equal(120, await PoolAsync(_two));
        Assert.Equal(120, await PoolAsync(_one));
        Assert.Equal(429, await _host.SendAsync(alice, _two));
    }

    private async Task<decimal> PoolAsync(GatewayHost gateway)
    {
        using var response = await _host.AdminAsync(HttpMethod.Get, "", null, gateway);
        var budget = (await SpendHost.JsonAsync(response)).GetProperty("data")[0].GetProperty("pooled_budget");
        return decimal.Parse(budget.GetProperty("period_to_date_spend").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>As a client does: tries again while told so.</summary>
    private static async Task<int> UntilAnsweredAsync(string bearer, GatewayHost gateway)
    {
        using var limit = new CancellationTokenSource(Signal.Timeout);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            using var response = await gateway.SendMessageAsync(bearer);
            await response.Content.ReadAsByteArrayAsync();
            if (!response.Headers.TryGetValues("x-should-retry", out var retry) || retry.Single() != "true")
            {
                return (int)response.StatusCode;
            }
        }
    }
}
