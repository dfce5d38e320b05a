using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Outage;

/// <summary>
/// A new version, or a new configuration that takes a restart: replicas are replaced one after the other.
/// </summary>
public sealed class RollingReplacementTests
{
    private const int Talkers = 12;
    private const int Newcomers = 3;

    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Replicas_replaced_under_load_lose_no_sign_in_no_stream_and_no_cent()
    {
        await using var fleet = await StartAsync();
        var done = new TaskCompletionSource();
        var (messages, signIns) = (0, 0);
        var load = Task.WhenAll(
        [
            .. Enumerable.Range(0, Talkers).Select(TalkAsync),
            .. Enumerable.Range(0, Newcomers).Select(_ => ArriveAsync()),
        ]);

        // Each is stopped while streams run through it that take longer than its successor's start.
        for (var replica = 0; replica < fleet.Replicas; replica++)
        {
            await AfterAsync(() => Volatile.Read(ref messages), Talkers, load);
            Assert.Equal(0, await fleet.ReplaceAsync(replica));
        }

        await AfterAsync(() => Volatile.Read(ref messages), Talkers, load);
        done.SetResult();
        await load;
        for (var replica = 0; replica < fleet.Replicas; replica++)
        {
            Assert.Equal(0, await fleet.StopAsync(replica));
        }

        Assert.True(signIns > Newcomers, $"{signIns} sign-ins");
        Assert.Equal(messages, fleet.Audit("inference").Count());
        Assert.Equal(signIns, fleet.Audit("session.mint").Count());
        Assert.Equal(messages * RollingFleet.MessageCost, await SpentAsync(fleet));

        // One in three takes long enough to meet both the delay and the drain.
        async Task TalkAsync(int talker)
        {
            using var client = fleet.Client();
            var bearer = await SignInAsync(client);
            while (!done.Task.IsCompleted)
            {
                await RollingFleet.MessageAsync(client, bearer, words: talker % 3 == 0 ? 60 : 8);
                Interlocked.Increment(ref messages);
            }
        }

        async Task<string> SignInAsync(GatewayClient client)
        {
            var (_, refreshToken) = await client.SignInAsync();
            var (bearer, _) = await client.RefreshAsync(refreshToken);
            Interlocked.Increment(ref signIns);
            return bearer;
        }

        async Task ArriveAsync()
        {
            while (!done.Task.IsCompleted)
            {
                using var client = fleet.Client();
                await RollingFleet.MessageAsync(client, await SignInAsync(client), words: 1);
                Interlocked.Increment(ref messages);
            }
        }
    }

    /// <summary>
    /// Returns once <paramref name="more"/> have been added to a count; a load that fails is told at once.
    /// </summary>
    private static async Task AfterAsync(Func<int> count, int more, Task load)
    {
        var enough = count() + more;
        while (count() < enough)
        {
            if (await Task.WhenAny(load, Task.Delay(LookPeriod)) == load)
            {
                await load;
                Assert.Fail("the load ended by itself");
            }
        }
    }

    private static async Task<RollingFleet> StartAsync()
    {
        try
        {
            return await RollingFleet.StartAsync();
        }
        catch (InvalidOperationException e)
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") is null && HaProxy.IsMissing(e), e.Message);
            throw;
        }
    }

    /// <summary>What the developer has spent of the months there are rows of, in billionths of a cent.</summary>
    private static async Task<long> SpentAsync(RollingFleet fleet)
    {
        await using var store = await TestStore.OpenAsync(new StoreConfig { PostgresUrl = new Secret(fleet.Database) });
        return await store.Database.FirstAsync(
            "SELECT sum(amount)::bigint FROM gw_spend_counter WHERE key = $1 AND period = 2",
            static row => row.GetInt64(0),
            CounterKey.Of(CounterKind.User, "alice").ToBytes());
    }
}
