using System.Diagnostics;
using ClaudeGateway.Config;
using ClaudeGateway.Spend;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>
/// A database that goes away, falls silent or loses its answers: nothing is lost, nothing counted twice, nobody waits
/// in vain.
/// </summary>
public sealed class StoreTroubleTests
{
    private const string ConnectionLost = "spend: the store is away";
    private const string ConnectionBack = "spend: the store answers again";

    [Fact]
    public async Task What_is_spent_in_an_outage_is_written_when_the_store_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = new SpendHost(await server.CreateDatabaseAsync());
        var gateway = await host.StartAsync();
        var bearer = host.Bearer("alice");
        host.Spends(30);
        Assert.Equal(200, await host.SendAsync(bearer));
        Assert.Equal(30, await host.SpentAsync("alice"));

        await server.StopServerAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, await host.SendAsync(bearer));
        }

        await gateway.Log.LineAsync(ConnectionLost);
        using var refused = await host.AdminAsync(HttpMethod.Get, "");
        Assert.Equal(503, (int)refused.StatusCode);
        var envelope = await SpendHost.JsonAsync(refused);
        Assert.Equal(refused.Headers.GetValues("request-id").Single(), envelope.GetProperty("request_id").GetString());
        Assert.StartsWith("req_", envelope.GetProperty("request_id").GetString(), StringComparison.Ordinal);

        await server.StartServerAsync();
        await gateway.Log.LineAsync(ConnectionBack);
        Assert.Equal(30 + (20 * 30), await host.SpentAsync("alice"));
    }

    [Fact]
    public async Task Closed_gateways_refuse_during_an_outage_and_serve_again_after_it()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = new SpendHost(await server.CreateDatabaseAsync());
        var gateway = await host.StartAsync(
            config => config with { Enforcement = new EnforcementConfig { FailClosedOnError = true } });
        var bearer = host.Bearer("alice");
        Assert.Equal(200, await host.SendAsync(bearer));
        await server.StopServerAsync();
        Assert.Equal(429, await host.SendAsync(bearer));
        await server.StartServerAsync();
        await gateway.Log.LineAsync(ConnectionBack);
        Assert.Equal(200, await host.SendAsync(bearer));
    }

    [Fact]
    public async Task A_commit_whose_confirmation_is_lost_is_not_counted_twice()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        var gateway = await host.StartAsync();
        var bearer = host.Bearer("alice");
        host.Spends(30);
        Assert.Equal(200, await host.SendAsync(bearer));
        Assert.Equal(30, await host.SpentAsync("alice"));
        for (var i = 1; i <= 5; i++)
        {
            // The round reaches the database; what the database says does not come back.
            var lost = relay.LoseAnswers();
            Assert.Equal(200, await host.SendAsync(bearer));
            await lost.WaitAsync(Signal.Timeout);
            relay.KeepAnswers();
            await UntilAsync(async () => await host.SpentAsync("alice") >= 30 + (i * 30));
        }

        Assert.Equal(180, await host.SpentAsync("alice"));
        await host.StopAsync(gateway);
        Assert.Equal(180, await StoredAsync(url));
    }

    [Fact]
    public async Task A_silent_store_costs_one_request_its_patience_and_not_each()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        var gateway = await host.StartAsync();
        var bearer = host.Bearer("alice");
        host.Spends(30);
        Assert.Equal(200, await host.SendAsync(bearer));
        Assert.Equal(30, await host.SpentAsync("alice"));

        relay.FallSilent();
        var first = Stopwatch.StartNew();
        Assert.Equal(200, await host.SendAsync(bearer));
        Assert.InRange(first.Elapsed, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(20));
        var rest = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, await host.SendAsync(bearer));
        }

        // With its patience for each it would be forty seconds.
        Assert.InRange(rest.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        relay.SpeakAgain();
        await gateway.Log.LineAsync(ConnectionBack);
        Assert.Equal(22 * 30, await host.SpentAsync("alice"));
    }

    [Fact]
    public async Task Stopping_writes_everything_first()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var host = new SpendHost(url);
        var gateway = await host.StartAsync();
        host.Spends(30);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => host.SendAsync(host.Bearer($"dev{i}"))));
        await host.StopAsync(gateway);
        Assert.Equal(50 * 30, await StoredAsync(url));
    }

    [Fact]
    public async Task A_killed_process_loses_at_most_the_last_grouped_commit()
    {
        const int usualCommitMilliseconds = 40;
        const int muchSlowerMachine = 50;
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var host = new SpendHost(url);
        using var folder = new TemporaryFolder();
        var gateway = await host.StartProcessAsync(folder);
        host.Spends(30);
        var bearer = host.Bearer("alice");
        var served = new List<long>();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(4))
        {
            await gateway.SendAsync(bearer);
            served.Add(clock.ElapsedMilliseconds);
        }

        await gateway.DisposeAsync();
        var kept = await StoredAsync(url) / 30;
        var lost = served.Skip((int)kept).ToList();
        Assert.All(lost, at => Assert.InRange(served[^1] - at, 0, usualCommitMilliseconds * muchSlowerMachine));
        Assert.True(kept > served.Count / 2, $"{kept} of {served.Count} kept");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_that_holds_is_audited_and_answered_though_the_store_goes_away_before_it_is_announced(
        bool isDeletion)
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        var gateway = await host.StartAsync();
        var limit = isDeletion ? await host.LimitAsync(SpendHost.Group("eng"), "100") : default;

        var body = new { scope = SpendHost.Group("eng"), amount = "100", pooled_budget = new { amount = "500" } };
        var gone = relay.GoAwayAfterNextCommit(after: "gw_spend_audit");
        using var response = isDeletion
            ? await host.AdminAsync(HttpMethod.Delete, "/" + limit.GetProperty("id").GetString())
            : await host.AdminAsync(HttpMethod.Post, "", body);
        await gone.WaitAsync(Signal.Timeout);

        Assert.Equal(200, (int)response.StatusCode);
        await gateway.Log.AuditAsync(isDeletion ? "admin.limit.delete" : "admin.limit.upsert");
        await gateway.Log.LineAsync("of the limits is in force once the store is back");
    }

    [Fact]
    public async Task A_change_of_which_nobody_knows_whether_it_holds_is_answered_as_that()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        await host.StartAsync();
        var lost = relay.LoseNextCommitAnswer(andGoAway: true, after: "gw_spend_audit");
        var body = new { scope = SpendHost.User("alice"), amount = "100" };
        using var response = await host.AdminAsync(HttpMethod.Post, "", body);
        await lost.WaitAsync(Signal.Timeout);

        Assert.Equal(503, (int)response.StatusCode);
        var error = (await SpendHost.JsonAsync(response)).GetProperty("error").GetProperty("message").GetString();
        Assert.Contains("may hold; look before you try again", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_out_that_holds_here_is_audited_though_nobody_knows_whether_it_is_written()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        var gateway = await host.StartAsync();
        var bearer = host.Bearer("alice");
        Assert.Equal(200, await host.SendAsync(bearer));

        var lost = relay.LoseNextCommitAnswer(andGoAway: true, after: "gw_revocation");
        using var response = await gateway.PostJsonAsync(
            "/v1/organizations/sessions/revoke", """{"user_id":"alice"}""", null, ("x-api-key", SpendHost.AdminKey));
        await lost.WaitAsync(Signal.Timeout);

        Assert.Equal(503, (int)response.StatusCode);
        var audited = await gateway.Log.AuditAsync("admin.sign_out");
        Assert.Equal("alice", audited.GetProperty("sub").GetString());
        Assert.Equal(401, await host.SendAsync(bearer));
    }

    [Fact]
    public async Task A_change_whose_commit_was_not_confirmed_is_looked_for_and_made_once()
    {
        var url = await PostgresServer.NewMigratedDatabaseAsync();
        await using var relay = new TcpRelay(new Uri(url).Port);
        await using var host = new SpendHost(Through(relay, url));
        var gateway = await host.StartAsync();
        var lost = relay.LoseNextCommitAnswer(after: "gw_spend_audit");
        var limit = await host.LimitAsync(SpendHost.User("alice"), "100");
        await lost.WaitAsync(Signal.Timeout);
        lost = relay.LoseNextCommitAnswer(after: "gw_spend_audit");
        using var deleted = await host.AdminAsync(HttpMethod.Delete, "/" + limit.GetProperty("id").GetString());
        await lost.WaitAsync(Signal.Timeout);

        Assert.Equal(200, (int)deleted.StatusCode);
        using var trail = await host.AdminAsync(HttpMethod.Get, "/audit");
        var lines = (await SpendHost.JsonAsync(trail)).GetProperty("data").EnumerateArray();
        var actions = lines.Select(line => line.GetProperty("action").GetString());
        Assert.Equal(["spend_limit.delete", "spend_limit.upsert"], actions);
        await gateway.Log.AuditAsync("admin.limit.upsert");
        await gateway.Log.AuditAsync("admin.limit.delete");
    }

    internal static string Through(TcpRelay relay, string url) =>
        new UriBuilder(url) { Port = relay.Port }.Uri.ToString();

    /// <summary>Everything in the store's monthly counters, in cents, read past the gateway.</summary>
    internal static async Task<long> StoredAsync(string url)
    {
        var uri = new Uri(url);
        await using var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={uri.Port};Username=postgres;Database={uri.AbsolutePath[1..]};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(sum(amount), 0)::bigint FROM gw_spend_counter WHERE period = 2", connection);
        return (long)(await command.ExecuteScalarAsync())! / Money.NanoCentsPerCent;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        while (!timeout.IsCancellationRequested)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (KeyNotFoundException)
            {
                // The admin API answered an error: the store is not back yet.
            }
        }

        Assert.Fail("did not come true");
    }
}
