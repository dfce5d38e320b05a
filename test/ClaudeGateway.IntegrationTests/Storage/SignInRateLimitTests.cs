using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.SignIn;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class SignInRateLimitTests
{
    private readonly ManualTimeProvider _clock = new();

    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_window_is_fixed_from_the_first_hit(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var limit = new SignInRateLimit(store.Database, _clock, "test", new RateLimitRule(2, TimeSpan.FromSeconds(60)));
        var client = IPAddress.Parse("192.0.2.1");
        Assert.Null(await limit.HitAsync(client));
        _clock.Advance(TimeSpan.FromSeconds(50));
        Assert.Null(await limit.HitAsync(client));
        Assert.Equal(TimeSpan.FromSeconds(10), await limit.HitAsync(client));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await limit.HitAsync(client));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Replicas_count_together(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var other = await store.AnotherPlainAsync();
        var rule = new RateLimitRule(10, TimeSpan.FromMinutes(10));
        SignInRateLimit[] replicas = [new(store.Database, _clock, "test", rule), new(other, _clock, "test", rule)];
        var waits = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(i => Task.Run(() => replicas[i % 2].HitAsync(IPAddress.Loopback))));
        Assert.Equal(20, waits.Count(wait => wait is not null));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Who_is_over_the_limit_is_refused_without_the_store_until_the_window_ends(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var limit = new SignInRateLimit(store.Database, _clock, "test", new RateLimitRule(1, TimeSpan.FromSeconds(60)));
        await limit.HitAsync(IPAddress.Loopback);
        Assert.NotNull(await limit.HitAsync(IPAddress.Loopback));
        await store.Database.ExecuteAsync("DROP TABLE gw_rate_limit");

        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(TimeSpan.FromSeconds(1), await limit.HitAsync(IPAddress.Loopback));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => limit.HitAsync(IPAddress.Loopback));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public async Task An_IPv6_client_is_its_network_and_an_IPv4_client_its_address(
        string first, string second, bool together)
    {
        await using var store = await TestStore.OpenAsync(TestStore.Sqlite);
        var limit = new SignInRateLimit(store.Database, _clock, "test", new RateLimitRule(1, TimeSpan.FromMinutes(10)));
        await limit.HitAsync(IPAddress.Parse(first));
        Assert.Equal(together, await limit.HitAsync(IPAddress.Parse(second)) is not null);
    }
}
