namespace ClaudeGateway.Process;

/// <summary>Something several owners hold; the last one to dispose it ends it.</summary>
internal sealed class Shared<T>(T value) : IDisposable
    where T : IDisposable
{
    private int _owners = 1;

    public T Value => value;

    /// <summary>Adds an owner; only one that still holds it may.</summary>
    public Shared<T> Share()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
        {
            value.Dispose();
        }
    }
}
