using System.IO.Compression;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>What is put on the account, through a whole gateway on the embedded store.</summary>
public sealed class MeteringTests : IAsyncLifetime
{
    private readonly SpendHost _host = new(null);

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task The_next_request_is_judged_by_what_the_last_one_cost()
    {
        var bearer = _host.Bearer("alice");
        _host.Spends(3);
        for (var cents = 3; cents <= 60; cents += 3)
        {
            using var response = await _host.Gateway.SendMessageAsync(bearer, stream: cents % 2 == 0);
            await response.Content.ReadAsByteArrayAsync();
            using var usage = await _host.Gateway.GetAsync("/api/oauth/usage", bearer);
            Assert.Equal(
                cents,
                (await SpendHost.JsonAsync(usage)).GetProperty("extra_usage").GetProperty("used_credits").GetInt64());
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"model":"nobody-knows"}""")]
    public async Task A_reached_limit_speaks_before_the_body_is_looked_at(string body)
    {
        await _host.LimitAsync(SpendHost.User("bob"), "0");

        using var blocked = await _host.Gateway.PostJsonAsync("/v1/messages", body, _host.Bearer("bob"));
        using var other = await _host.Gateway.PostJsonAsync("/v1/messages", body, _host.Bearer("carl", "ops"));
        using var row = await _host.AdminAsync(HttpMethod.Get, "/effective?user_ids[]=carl&period[]=daily");

        Assert.Equal((429, 400), ((int)blocked.StatusCode, (int)other.StatusCode));
        Assert.Equal(
            "ops", (await SpendHost.JsonAsync(row)).GetProperty("data")[0].GetProperty("groups")[0].GetString());
        Assert.Empty(_host.Upstream.Requests);
    }

    [Fact]
    public async Task Compressed_answers_are_read_and_no_coding_is_asked_for_that_cannot_be()
    {
        _host.Upstream.Next(async e =>
        {
            using var compressed = new MemoryStream();
            await using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
            {
                await gzip.WriteAsync("""{"usage":{"input_tokens":100000,"output_tokens":0}}"""u8.ToArray());
            }

            await e.RespondAsync(
                200, compressed.ToArray(), ("content-type", "application/json"), ("content-encoding", "gzip"));
        });
        using var response = await _host.Gateway.SendMessageAsync(
            _host.Bearer("alice"), headers: [("Accept-Encoding", "zstd, gzip;q=0.5, br")]);
        Assert.Equal("{\"usage\"", (await response.Content.ReadAsStringAsync())[..8]);
        Assert.Equal(30, await _host.SpentAsync("alice"));
        Assert.Equal(
            "gzip;q=0.5, br",
            _host.Upstream.Requests[0].Headers.Single(
                header => header.Key.Equals("accept-encoding", StringComparison.OrdinalIgnoreCase)).Value);
    }

    [Fact]
    public async Task An_upstream_that_reports_nonsense_is_clamped_and_told_of()
    {
        _host.Upstream.Usage = new { input_tokens = -1_000_000, output_tokens = 0 };
        Assert.Equal(200, await _host.SendAsync(_host.Bearer("alice")));
        Assert.Equal(0, await _host.SpentAsync("alice"));
        await _host.Gateway.Log.LineAsync("impossible usage");
    }

    [Fact]
    public async Task An_answer_that_is_cut_is_billed_by_what_was_sent()
    {
        var text = new string('x', 40_000);
        _host.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            foreach (var part in FakeUpstream.MessageEvents(
                "claude-sonnet-4-6", text, new { input_tokens = 1000, output_tokens = 1 }).Take(3))
            {
                await e.WriteAsync(part);
            }

            e.Reset();
        });
        using var response = await _host.Gateway.SendMessageAsync(_host.Bearer("alice"), stream: true);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync());
        await _host.Gateway.Log.AuditAsync("inference.end");
        Assert.Equal(0.3m + 15m, await _host.SpentAsync("alice"));
    }

    [Fact]
    public async Task An_event_that_an_upstream_sends_in_several_lines_is_billed()
    {
        _host.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: {\"type\":\"message_start\",\ndata: \"message\":{\"usage\":\n");
            await e.WriteAsync("data: {\"input_tokens\":100000}}}\n\n");
            await e.WriteAsync("data: {\"type\":\"message_delta\",\ndata: \"usage\":{\"output_tokens\":1000}}\n\n");
            await e.EndAsync();
        });
        using var response = await _host.Gateway.SendMessageAsync(_host.Bearer("alice"), stream: true);
        await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(30m + 1.5m, await _host.SpentAsync("alice"));
    }

    [Theory]
    [InlineData(12_000, 365_000)]
    [InlineData(1, 1)]
    public async Task The_longest_retention_sweeps_as_the_shortest_does(int months, int days)
    {
        await using var database = await SpendRoundTests.OpenAsync(isPostgres: false);
        using var lines = new StderrLines(Stream.Null);
        var log = new OperationalLog(lines, TimeProvider.System, LogLevel.Error);
        await using var sweep = new RetentionSweep(database, TimeProvider.System, log);
        sweep.Use(new AdminConfig
        {
            AuditRetentionDays = days,
            IdentityRetentionDays = days,
            SpendRetentionMonths = months,
        });
        await sweep.SweepAsync();
    }

    [Fact]
    public async Task A_table_that_refuses_the_sweep_keeps_no_other_from_it()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var database = await SpendRoundTests.OpenAsync(isPostgres: true);
        using var lines = new StderrLines(Stream.Null);
        await using var sweep = new RetentionSweep(
            database, clock, new OperationalLog(lines, clock, LogLevel.Error));
        sweep.Use(new AdminConfig { AuditRetentionDays = 10 });
        var limits = new SpendLimitStore(database, "one", clock);
        await limits.UpsertAsync(
            new SpendLimitDraft(SpendScope.Organization, SpendPeriod.Daily, true, 5, null), "test");
        await database.ExecuteAsync("ALTER TABLE gw_spend_counter RENAME TO away");

        clock.Advance(TimeSpan.FromDays(11));
        await Assert.ThrowsAsync<AggregateException>(sweep.SweepAsync);

        Assert.Empty(await limits.ListAuditAsync(null, 10));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Records_past_their_retention_are_deleted_and_names_before_spend(bool isPostgres)
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var database = await SpendRoundTests.OpenAsync(isPostgres);
        using var lines = new StderrLines(Stream.Null);
        var log = new OperationalLog(lines, clock, LogLevel.Error);
        var today = SpendPeriods.Day(clock.GetUtcNow());
        var counter = new SpendCounter(CounterKind.User, "alice");
        var round = new SpendRound(database, "one", clock);
        await round.RunAsync(
            new SpendBatch(
                1,
                [new(counter, today, Money.FromCents(5))],
                [new SpendIdentity("alice", "alice@example.com", "Alice", ["eng"], today)]),
            []);
        await new SpendLimitStore(database, "one", clock)
            .UpsertAsync(new SpendLimitDraft(SpendScope.Organization, SpendPeriod.Daily, true, 5, null), "test");
        var config = new AdminConfig { AuditRetentionDays = 10, IdentityRetentionDays = 20, SpendRetentionMonths = 2 };
        await using var sweep = new RetentionSweep(database, clock, log);
        sweep.Use(config);

        await sweep.SweepAsync();
        Assert.Equal("alice@example.com", (await PrincipalAsync())!.Email);
        Assert.Single(await new SpendLimitStore(database, "one", clock).ListAuditAsync(null, 10));
        clock.Advance(TimeSpan.FromDays(21));
        await sweep.SweepAsync();
        Assert.Null((await PrincipalAsync())!.Email);
        Assert.Empty((await PrincipalAsync())!.Groups);
        Assert.Empty(await new SpendLimitStore(database, "one", clock).ListAuditAsync(null, 10));
        clock.Advance(TimeSpan.FromDays(100));
        await sweep.SweepAsync();
        Assert.Null(
            await PrincipalAsync() is { } left && await new SpendPrincipalStore(database).AnySpendAsync()
            ? left
            : null);
        await sweep.SweepAsync();
        Assert.Null(await PrincipalAsync());

        // A limit that lost its line in the trail still holds.
        var book = new LimitBook();
        await new SpendLimitStore(database, "one", clock).RefreshAsync(book);
        Assert.Equal(1, book.Count);

        async Task<SpendPrincipal?> PrincipalAsync() =>
            (await new SpendPrincipalStore(database).FindAsync(["alice"])).GetValueOrDefault("alice");
    }
}
