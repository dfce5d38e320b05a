using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Process;

/// <summary>
/// What the gateway opened, closed in the opposite order. Whatever closing one of them throws is logged as an error and
/// the next one is closed all the same: the last spend must be written though a connection pool does not close.
/// </summary>
internal sealed class OwnedResources(OperationalLog log) : IAsyncDisposable
{
    private readonly Stack<object> _resources = new();

    public T Add<T>(T resource)
        where T : notnull
    {
        _resources.Push(resource);
        return resource;
    }

    /// <summary>Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_resources.TryPop(out var resource))
        {
            await CloseAsync(resource, log);
        }
    }

    /// <summary>Disposes one resource; a failure is logged and never thrown.</summary>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever one fails of, the next one is closed.")]
    public static async Task CloseAsync(object resource, OperationalLog log)
    {
        try
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
        catch (Exception e)
        {
            log.Error($"closing {resource.GetType().Name} failed: {e.GetType().Name}: {e.Message}");
        }
    }
}
