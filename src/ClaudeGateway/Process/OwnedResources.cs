namespace ClaudeGateway.Process;

/// <summary>What the gateway opened, closed in the opposite order.</summary>
internal sealed class OwnedResources : IAsyncDisposable
{
    private readonly Stack<object> _resources = new();

    public T Add<T>(T resource)
        where T : notnull
    {
        _resources.Push(resource);
        return resource;
    }

    public async ValueTask DisposeAsync()
    {
        while (_resources.TryPop(out var resource))
        {
            if (resource is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync();
            }
            else if (resource is IDisposable synchronous)
            {
                synchronous.Dispose();
            }
        }
    }
}
