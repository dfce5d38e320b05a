using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>An e-mail address where the admin API takes a user id.</summary>
public sealed class EmailAsUserIdTests : IAsyncLifetime
{
    private SpendHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_limit_of_an_address_is_that_of_the_developer_who_has_it_letter_case_aside(bool isPostgres)
    {
        await using var other = new SpendHost(null);
        var host = isPostgres ? _host : other;
        await (isPostgres ? Task.CompletedTask : other.StartAsync());
        var bearer = host.BearerOf("00u1", "Zoë@Example.com");
        Assert.Equal(200, await host.SendAsync(bearer));
        Assert.Equal(200, await host.SendAsync(host.BearerOf("00u2", null)));

        var limit = await host.LimitAsync(SpendHost.User("zOË@example.COM"), "0");

        Assert.Equal("00u1", limit.GetProperty("scope").GetProperty("user_id").GetString());
        Assert.Equal(429, await host.SendAsync(bearer));
        var upsert = await host.Gateway.Log.AuditAsync("admin.limit.upsert");
        Assert.Equal("00u1", upsert.GetProperty("scope_id").GetString());
    }

    [Fact]
    public async Task A_sub_of_that_spelling_wins_over_somebody_elses_address()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("bob@example.com", "robert@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u2", "bob@example.com")));

        var own = await _host.LimitAsync(SpendHost.User("bob@example.com"), "5");
        var others = await _host.LimitAsync(SpendHost.User("BOB@example.com"), "5");

        Assert.Equal("bob@example.com", own.GetProperty("scope").GetProperty("user_id").GetString());
        Assert.Equal("00u2", others.GetProperty("scope").GetProperty("user_id").GetString());
    }

    [Fact]
    public async Task An_address_that_nobody_is_known_by_is_refused_and_sets_nothing()
    {
        var message = await RefusalAsync("nobody@example.com");
        Assert.StartsWith("scope.user_id: nobody known here", message, StringComparison.Ordinal);
        Assert.Contains("'claude-gateway spend top --search NAME'", message, StringComparison.Ordinal);
        using var list = await _host.AdminAsync(HttpMethod.Get, "");
        Assert.Equal(0, (await SpendHost.JsonAsync(list)).GetProperty("data").GetArrayLength());
        Assert.Empty(_host.Gateway.Log.Audit("admin.limit.upsert"));
    }

    [Fact]
    public async Task An_address_of_several_developers_is_refused_with_their_ids()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u2", "team@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "Team@example.com")));
        Assert.Equal(
            "scope.user_id: 2 developers have this e-mail address; give the user id of one of them: 00u1, 00u2",
            await RefusalAsync("team@example.com"));
    }

    [Fact]
    public async Task An_address_that_has_changed_hands_is_its_new_holders()
    {
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "lead@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "alumna@example.com")));
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u2", "lead@example.com")));
        var limit = await _host.LimitAsync(SpendHost.User("lead@example.com"), "5");
        Assert.Equal("00u2", limit.GetProperty("scope").GetProperty("user_id").GetString());
    }

    [Theory]
    [InlineData("samlp|corp|ann@example.com")]
    [InlineData("https://idp.example.com/ann@example.com")]
    [InlineData("ann@REALM")]
    [InlineData("ann@")]
    [InlineData("@ann.example")]
    [InlineData("a@b@example.com")]
    public async Task What_is_no_address_is_an_id_whoever_is_known(string userId)
    {
        var limit = await _host.LimitAsync(SpendHost.User(userId), "5");
        Assert.Equal(userId, limit.GetProperty("scope").GetProperty("user_id").GetString());
    }

    [Fact]
    public async Task The_report_shows_whoever_has_an_address_and_an_unknown_one_as_it_is()
    {
        _host.Spends(30);
        Assert.Equal(200, await _host.SendAsync(_host.BearerOf("00u1", "ann@example.com")));
        using var response = await _host.AdminAsync(
            HttpMethod.Get,
            "/effective?period[]=daily&user_ids[]=ANN@example.com&user_ids[]=00u1&user_ids[]=nobody@example.com");
        var rows = (await SpendHost.JsonAsync(response)).GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(
            ["00u1 30", "nobody@example.com 0"],
            rows.Select(row =>
                row.GetProperty("actor").GetProperty("user_id").GetString() + " "
                + row.GetProperty("period_to_date_spend").GetString()));
    }

    private async Task<string> RefusalAsync(string userId)
    {
        using var response = await _host.AdminAsync(
            HttpMethod.Post, "", new { scope = SpendHost.User(userId), amount = "5" });
        Assert.Equal(400, (int)response.StatusCode);
        var error = (await SpendHost.JsonAsync(response)).GetProperty("error");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        return error.GetProperty("message").GetString()!;
    }
}
