using System.Text;
using ClaudeGateway.IntegrationTests.Messages;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>Paths, callers and queries of the admin API, and what it does better than the reference's.</summary>
public sealed class AdminApiTests : IAsyncLifetime
{
    private readonly SpendHost _host = new(null);

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Guessing_keys_is_slowed_down_but_a_right_key_always_passes()
    {
        var statuses = new List<int>();
        for (var i = 0; i < 70; i++)
        {
            using var guess = await _host.Gateway.SendAsync(
                HttpMethod.Get, SpendHost.Path, null, ("x-api-key", $"guess-{i}"));
            statuses.Add((int)guess.StatusCode);
        }

        Assert.Equal(60, statuses.Count(status => status == 401));
        Assert.All(statuses[60..], status => Assert.Equal(429, status));
        using var right = await _host.AdminAsync(HttpMethod.Get, "");
        Assert.Equal(200, (int)right.StatusCode);
        Assert.Equal(
            "throttled", (await _host.Gateway.Log.AuditAsync("admin.denied", 61)).GetProperty("reason").GetString());
        Assert.Equal(61, _host.Gateway.Log.Audit("admin.denied").Count);
    }

    [Theory]
    [InlineData("POST", "", 403)]
    [InlineData("DELETE", "/spl_0", 403)]
    [InlineData("DELETE", "", 404)]
    [InlineData("POST", "/effective", 404)]
    [InlineData("POST", "/spl_0", 404)]
    [InlineData("PUT", "", 404)]
    public async Task A_read_key_may_not_change_anything_and_finds_nothing_else(string method, string path, int status)
    {
        using var response = await _host.Gateway.SendAsync(
            new HttpMethod(method), SpendHost.Path + path, null, ("x-api-key", SpendHost.ReadKey));
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "?after_id=spl_%00", 400)]
    [InlineData("GET", "?before_id=%ED%A0%80%00", 400)]
    [InlineData("GET", "/audit?after_id=%00", 400)]
    [InlineData("GET", "/effective?user_ids[]=a%00b&period[]=daily", 200)]
    [InlineData("GET", "/effective?q=%00&page=eyJhZnRlciI6Ilx1MDAwMCJ9", 200)]
    [InlineData("DELETE", "/spl_%EF%BF%BD", 404)]
    [InlineData("DELETE", "/%2e%2e/audit", 404)]
    [InlineData("GET", "/%2e%2e", 404)]
    [InlineData("GET", "/%2e%2e/%2e%2e", 404)]
    [InlineData("GET", "/spl_%00", 400)]
    public async Task Ids_that_no_database_takes_and_paths_that_lead_elsewhere_are_the_callers_mistakes(
        string method, string path, int status)
    {
        await using var host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        var gateway = await host.StartAsync();
        // As it is written: a client of the framework would resolve the dots.
        using var client = new RawClient(gateway.Url);
        var headers = $"Host: gateway\r\nx-api-key: {SpendHost.AdminKey}\r\nConnection: close\r\n\r\n";
        await client.SendAsync(Encoding.ASCII.GetBytes($"{method} {SpendHost.Path}{path} HTTP/1.1\r\n{headers}"));
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.UntilAsync(""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_asked_for_twice_is_one_row_and_an_empty_one_none()
    {
        using var response = await _host.AdminAsync(
            HttpMethod.Get, "/effective?user_ids[]=a&user_ids[]=a&user_ids[]=&period[]=daily");
        Assert.Equal(1, (await SpendHost.JsonAsync(response)).GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Caps_set_at_the_same_time_are_numbered_without_a_gap()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _host.LimitAsync(SpendHost.User($"u{i % 5}"), $"{i}")));
        using var response = await _host.AdminAsync(HttpMethod.Get, "/audit");
        var ids = (await SpendHost.JsonAsync(response)).GetProperty("data").EnumerateArray().Select(
            row => int.Parse(row.GetProperty("id").GetString()!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Enumerable.Range(1, 20).Reverse(), ids);
    }
}
