using System.Collections.Concurrent;
using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Process;

public sealed class RandomUuidTests
{
    /// <summary>More than a thread fetches random bytes for at once.</summary>
    private const int Many = 2_000;

    [Fact]
    public async Task None_is_given_twice_on_whatever_thread()
    {
        var given = new ConcurrentBag<string>();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Many; i++)
            {
                given.Add(RandomUuid.Next());
            }
        })));

        Assert.Equal(4 * Many, given.Distinct(StringComparer.Ordinal).Count());
        Assert.All(given, id =>
            Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id));
    }
}
