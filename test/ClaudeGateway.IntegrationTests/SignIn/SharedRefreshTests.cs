using System.Diagnostics;
using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>Several holders of one refresh token, at an IdP that takes a second use of its own for theft.</summary>
public sealed class SharedRefreshTests : IAsyncDisposable
{
    private const string WriteKey = "write-key-0123456789-0123456789-0123456789";

    private readonly FakeIdentityProvider _idp = new() { DetectsReuse = true };
    private readonly FakeUpstream _upstream = new();
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        _gate.TrySetResult();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Twenty_holders_over_two_replicas_get_one_answer_and_the_session_lives_on()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var one = await StartAsync(store);
        await using var two = await StartAsync(store);
        var token = await one.SignInAsync();
        _idp.RefreshGate = _gate.Task;
        var asked = Enumerable.Range(0, 20)
            .Select(i => (i % 2 == 0 ? one : two).RefreshAsync(token.RefreshToken)).ToList();
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        _gate.SetResult();
        var answers = await Task.WhenAll(asked);

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Single(answers.Select(answer => (answer.AccessToken, answer.RefreshToken)).Distinct());
        Assert.Single(_idp.Refreshes);
        Assert.Equal(200, (await two.RefreshAsync(answers[0].RefreshToken)).Status);
        await one.Log.AuditAsync("session.refresh", 10);
        await two.Log.AuditAsync("session.refresh", 11);
        var events = one.Log.Audit("session.refresh").Concat(two.Log.Audit("session.refresh")).ToList();
        Assert.Equal(19, events.Count(e => e.TryGetProperty("repeated", out var repeated) && repeated.GetBoolean()));
    }

    [Fact]
    public async Task An_answer_whose_client_was_cut_off_is_asked_for_again_at_another_replica()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var one = await StartAsync(store);
        await using var two = await StartAsync(store);
        var token = await one.SignInAsync();
        _idp.RefreshGate = _gate.Task;
        using var cut = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, one.At("/oauth/token"))
        {
            Content = new FormUrlEncodedContent(
                [new("grant_type", "refresh_token"), new("refresh_token", token.RefreshToken)]),
        };
        var lost = one.Http.SendAsync(request, cut.Token);
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        await cut.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost);
        _gate.SetResult();

        var again = await two.RefreshAsync(token.RefreshToken);
        Assert.Equal(200, again.Status);
        Assert.Single(_idp.Refreshes);
        Assert.Equal(200, (await one.RefreshAsync(again.RefreshToken)).Status);
    }

    [Theory]
    [InlineData("503")]
    [InlineData("reset")]
    [InlineData("closed")]
    [InlineData("silence")]
    public async Task Trouble_on_the_way_is_not_remembered_and_the_next_try_succeeds(string trouble)
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await StartAsync(null, clock);
        var token = await gateway.SignInAsync();
        _idp.Script = exchange => exchange.Request.Path != "/token" ? null : trouble switch
        {
            "503" => exchange.RespondJsonAsync(503, new { error = "temporarily_unavailable" }),
            "reset" => DoAsync(exchange.Reset),
            "closed" => DoAsync(exchange.Close),
            _ => exchange.StallAsync(),
        };
        var asked = Task.WhenAll(
            gateway.RefreshAsync(token.RefreshToken), gateway.RefreshAsync(token.RefreshToken));
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        // Longer than the IdP is waited for; again where the second came so late that it asks by itself.
        for (var waited = Stopwatch.StartNew(); !asked.IsCompleted && waited.Elapsed < Signal.Timeout;)
        {
            clock.Advance(TimeSpan.FromSeconds(11));
            await Task.WhenAny(asked, Task.Delay(TimeSpan.FromMilliseconds(50)));
        }

        Assert.All(await asked.WaitAsync(Signal.Timeout), answer => Assert.Equal(503, answer.Status));
        _idp.Script = null;
        Assert.Equal(200, (await gateway.RefreshAsync(token.RefreshToken)).Status);
    }

    [Fact]
    public async Task A_refusal_is_everybodys_and_the_IdP_is_asked_once()
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var one = await StartAsync(store);
        await using var two = await StartAsync(store);
        var token = await one.SignInAsync();
        _idp.Script = exchange => FakeIdentityProvider.IsRefresh(exchange.Request)
            ? exchange.RespondJsonAsync(400, new { error = "invalid_grant" }) : null;
        Assert.Equal(401, (await one.RefreshAsync(token.RefreshToken)).Status);
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(two, token.RefreshToken));
        Assert.Single(_idp.Refreshes);
        var audit = await two.Log.AuditAsync("session.refresh");
        Assert.True(audit.GetProperty("repeated").GetBoolean());
        Assert.Equal(
            "the IdP's token endpoint answered 400 invalid_grant", audit.GetProperty("err").GetString());
    }

    [Fact]
    public async Task A_token_whose_new_bearer_is_in_use_and_that_nobody_else_held_was_used()
    {
        await using var gateway = await StartAsync(null);
        var token = await gateway.SignInAsync();
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/models", renewed.AccessToken)).StatusCode);

        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token.RefreshToken));
        Assert.Single(_idp.Refreshes);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/models", renewed.AccessToken)).StatusCode);
        Assert.Equal(200, (await gateway.RefreshAsync(renewed.RefreshToken)).Status);
    }

    [Fact]
    public async Task A_token_that_several_hold_gives_the_same_answer_also_when_its_bearer_is_in_use()
    {
        await using var gateway = await StartAsync(null);
        var token = await gateway.SignInAsync();
        _idp.RefreshGate = _gate.Task;
        var asked = new[] { gateway.RefreshAsync(token.RefreshToken), gateway.RefreshAsync(token.RefreshToken) };
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        _gate.SetResult();
        var renewed = (await Task.WhenAll(asked))[0];
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/models", renewed.AccessToken)).StatusCode);

        var late = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(renewed.AccessToken, late.AccessToken);
        Assert.Single(_idp.Refreshes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_used_token_is_invalid_after_two_minutes_without_asking_the_IdP(bool rotates)
    {
        _idp.RotatesRefreshTokens = rotates;
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await StartAsync(null, clock);
        var token = await gateway.SignInAsync();
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        clock.Advance(OneRefresh.Remembered - TimeSpan.FromSeconds(1));
        var again = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(renewed.AccessToken, again.AccessToken);
        Assert.Equal(
            renewed.Json.GetProperty("expires_in").GetInt64() - 119, again.Json.GetProperty("expires_in").GetInt64());

        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token.RefreshToken));
        Assert.Single(_idp.Refreshes);
        Assert.Equal(200, (await gateway.RefreshAsync(renewed.RefreshToken)).Status);
        clock.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(gateway, token.RefreshToken));
        Assert.Equal(2, _idp.Refreshes.Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Signing_out_voids_a_remembered_answer_on_every_replica(bool byAdministrator)
    {
        var store = await PostgresServer.NewDatabaseAsync();
        await using var one = await StartAsync(store);
        await using var two = await StartAsync(store);
        var token = await one.SignInAsync();
        var renewed = await one.RefreshAsync(token.RefreshToken);
        (await SignOutAsync(one, renewed.AccessToken, byAdministrator)).Dispose();
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(two, token.RefreshToken));
        Assert.Equal((401, "invalid_grant"), await OutcomeAsync(one, token.RefreshToken));
        Assert.Single(_idp.Refreshes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Signing_out_while_the_IdP_is_asked_ends_what_it_grants(bool byAdministrator)
    {
        // Within one second: the bearer would be of a later one than the sign-out.
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await StartAsync(null, clock);
        var token = await gateway.SignInAsync();
        _idp.RefreshGate = _gate.Task;
        var asked = gateway.RefreshAsync(token.RefreshToken);
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        (await SignOutAsync(gateway, token.AccessToken, byAdministrator)).Dispose();
        clock.Advance(TimeSpan.FromSeconds(2));
        _gate.SetResult();
        Assert.Equal(401, (await asked).Status);
        Assert.Equal(401, (await gateway.RefreshAsync(token.RefreshToken)).Status);
    }

    [Fact]
    public async Task The_lease_of_a_replica_that_was_killed_is_taken_over()
    {
        var config = await TestStore.ConfigAsync(TestStore.Postgres);
        await using var store = await TestStore.OpenAsync(config);
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow()) { JumpsAtMost = OneRefresh.Poll };
        await using var gateway = await StartAsync(config.PostgresUrl!.Reveal(), clock);
        var token = await gateway.SignInAsync();
        var content = Open(token.RefreshToken, clock);
        await new RefreshStore(store.Database, "killed", clock).TakeAsync(content.Hash, content.Expires, null);

        var before = clock.GetTimestamp();
        Assert.Equal(200, (await gateway.RefreshAsync(token.RefreshToken)).Status);
        Assert.InRange(clock.GetElapsedTime(before), OneRefresh.Lease, TimeSpan.FromSeconds(50));
    }

    [Fact]
    public async Task Who_waits_for_a_replica_that_lives_and_does_not_end_is_asked_to_come_again()
    {
        var config = await TestStore.ConfigAsync(TestStore.Postgres);
        await using var store = await TestStore.OpenAsync(config);
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow()) { JumpsAtMost = OneRefresh.Poll };
        await using var gateway = await StartAsync(config.PostgresUrl!.Reveal(), clock);
        var token = await gateway.SignInAsync();
        var content = Open(token.RefreshToken, clock);
        var other = new RefreshStore(store.Database, "other", clock);
        await other.TakeAsync(content.Hash, content.Expires, null);

        var asked = gateway.RefreshAsync(token.RefreshToken);
        while (!asked.IsCompleted)
        {
            // Faster than the looks of the one who waits, each of which moves the clock.
            await other.BeatAsync(content.Hash);
        }

        Assert.Equal((503, 0), ((await asked).Status, _idp.Refreshes.Count()));
        await other.ReleaseAsync(content.Hash);
        Assert.Equal(200, (await gateway.RefreshAsync(token.RefreshToken)).Status);
    }

    [Fact]
    public async Task Without_the_store_a_replica_has_one_outcome_and_writes_it_when_the_store_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        var store = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var one = await StartAsync(store, clock);
        await using var two = await StartAsync(store, clock);
        var token = await one.SignInAsync();
        await server.StopServerAsync();
        _idp.RefreshGate = _gate.Task;
        var asked = Enumerable.Range(0, 5).Select(_ => one.RefreshAsync(token.RefreshToken)).ToList();
        await _idp.Server.RequestAsync(FakeIdentityProvider.IsRefresh);
        _gate.SetResult();
        var answers = await Task.WhenAll(asked);
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        var again = await one.RefreshAsync(token.RefreshToken);
        Assert.Single(answers.Append(again).Select(answer => answer.RefreshToken).Distinct());
        Assert.Single(_idp.Refreshes);
        await one.Log.LineAsync("store: sessions are renewed without it");

        await server.StartServerAsync();
        // The first try is due.
        clock.Advance(TimeSpan.FromSeconds(1));
        await one.Log.LineAsync("store: refresh tokens are recognised again");
        Assert.Equal(again.RefreshToken, (await two.RefreshAsync(token.RefreshToken)).RefreshToken);
        Assert.Single(_idp.Refreshes);
    }

    [Fact]
    public async Task A_store_that_can_only_be_read_ends_no_session()
    {
        var server = await PostgresServer.SharedAsync();
        var url = await server.CreateDatabaseAsync();
        var name = new Uri(url).AbsolutePath[1..];
        await using var gateway = await StartAsync(url);
        var token = await gateway.SignInAsync();
        await server.ExecuteAsync($"ALTER DATABASE {name} SET default_transaction_read_only = on");
        await server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(200, renewed.Status);
        Assert.Equal(renewed.RefreshToken, (await gateway.RefreshAsync(token.RefreshToken)).RefreshToken);
        await gateway.Log.LineAsync("store: sessions are renewed without it");
    }

    [Fact]
    public async Task What_is_remembered_cannot_be_read_in_the_store()
    {
        var config = await TestStore.ConfigAsync(TestStore.Postgres);
        await using var store = await TestStore.OpenAsync(config);
        await using var gateway = await StartAsync(config.PostgresUrl!.Reveal());
        var token = await gateway.SignInAsync();
        var renewed = await gateway.RefreshAsync(token.RefreshToken);
        var data = await store.Database.FirstAsync(
            "SELECT sealed_outcome FROM gw_refresh", row => row.GetFieldValue<byte[]>(0));
        var text = System.Text.Encoding.Latin1.GetString(data!);
        Assert.DoesNotContain(renewed.AccessToken[..20], text, StringComparison.Ordinal);
        Assert.DoesNotContain("alice", text, StringComparison.Ordinal);
    }

    private static RefreshTokenContent Open(string token, TimeProvider clock) =>
        new RefreshTokens(new SealedBox(new SessionSecrets([new Secret(TestConfig.JwtSecret)])), clock).Open(token)!;

    private static Task DoAsync(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static Task<HttpResponseMessage> SignOutAsync(GatewayHost gateway, string bearer, bool byAdministrator) =>
        byAdministrator
            ? gateway.PostJsonAsync(
                "/v1/organizations/sessions/revoke", new { user_id = "alice" }, null, ("x-api-key", WriteKey))
            : gateway.PostFormAsync("/oauth/revoke", ("token", bearer));

    private static async Task<(int Status, string? Error)> OutcomeAsync(GatewayHost gateway, string refreshToken)
    {
        var answer = await gateway.RefreshAsync(refreshToken);
        return (answer.Status, answer.Json.TryGetProperty("error", out var error) ? error.GetString() : null);
    }

    private Task<GatewayHost> StartAsync(string? store, TimeProvider? clock = null)
    {
        var config = TestConfig.Create(_idp, [_upstream], store);
        return GatewayHost.StartAsync(
            config with
            {
                Listen = config.Listen with { PublicUrl = "http://gw.example.com" },
                Admin = new AdminConfig { WriteKeys = [new AdminKey("ops", new Secret(WriteKey))] },
            },
            clock);
    }
}
