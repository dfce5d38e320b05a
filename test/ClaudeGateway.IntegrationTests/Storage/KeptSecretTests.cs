using ClaudeGateway.Process;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.IntegrationTests.Storage;

/// <summary>The session secret that the store keeps for gateways that were given none.</summary>
public sealed class KeptSecretTests
{
    public static TheoryData<string> Kinds => TestStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task It_is_made_once_and_is_the_same_ever_after(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        var first = (await Kept(store).GetAsync()).Reveal();
        Assert.Equal(32, System.Buffers.Text.Base64Url.DecodeFromChars(first).Length);
        Assert.Equal(first, (await Kept(store).GetAsync()).Reveal());

        await using var other = await TestStore.OpenAsync(kind);
        Assert.NotEqual(first, (await Kept(other).GetAsync()).Reveal());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Replicas_that_start_together_take_the_same(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await using var replica = await store.AnotherPlainAsync();
        var secrets = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(
                i => Task.Run(
                    () => new KeptSecret(i % 2 == 0 ? store.Database : replica, TimeProvider.System).GetAsync())));
        Assert.Single(secrets.Select(secret => secret.Reveal()).Distinct());
        Assert.Equal(
            1,
            await store.Database.FirstAsync(
                "SELECT count(*) FROM gw_session_secret", static row => row.GetInt32(0)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_that_is_too_short_signs_nothing(string kind)
    {
        await using var store = await TestStore.OpenAsync(kind);
        await store.Database.ExecuteAsync(
            "INSERT INTO gw_session_secret (id, secret, made_at) VALUES (1, 'hunter2', 0)");
        var failure = await Assert.ThrowsAsync<OperatorException>(() => Kept(store).GetAsync());
        Assert.Contains("has 7 characters and needs 32", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.Message, StringComparison.Ordinal);
    }

    private static KeptSecret Kept(TestStore store) => new(store.Database, TimeProvider.System);
}
