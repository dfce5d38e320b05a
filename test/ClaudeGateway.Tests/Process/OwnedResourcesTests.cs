using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Process;

public sealed class OwnedResourcesTests
{
    [Fact]
    public async Task All_are_closed_last_first_though_some_throw_and_each_failure_is_logged()
    {
        var log = new CapturedLog();
        var closed = new List<string>();
        using (var lines = new StderrLines(log))
        {
            var owned = new OwnedResources(new OperationalLog(lines, TimeProvider.System, LogLevel.Error));
            owned.Add(new Resource("database", closed, fails: false));
            owned.Add(new Resource("ledger", closed, fails: true));
            owned.Add(new AsyncResource("replicas", closed, fails: false));
            owned.Add(new AsyncResource("sweep", closed, fails: true));

            await owned.DisposeAsync();
        }

        Assert.Equal(["sweep", "replicas", "ledger", "database"], closed);
        await log.LineAsync("closing AsyncResource failed: InvalidOperationException: sweep");
        await log.LineAsync("closing Resource failed: InvalidOperationException: ledger");
    }

    private sealed class Resource(string name, List<string> closed, bool fails) : IDisposable
    {
        public void Dispose() => Close(name, closed, fails);
    }

    private sealed class AsyncResource(string name, List<string> closed, bool fails) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            Close(name, closed, fails);
        }
    }

    private static void Close(string name, List<string> closed, bool fails)
    {
        closed.Add(name);
        if (fails)
        {
            throw new InvalidOperationException(name);
        }
    }
}
