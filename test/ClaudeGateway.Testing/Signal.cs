namespace ClaudeGateway.Testing;

/// <summary>Lets a test await a condition that another thread brings about, without sleeping.</summary>
internal sealed class Signal
{
    /// <summary>The one time limit of all tests: only a failing test reaches it.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private volatile TaskCompletionSource _changed = New();

    /// <summary>Something changed: waiting conditions are looked at again.</summary>
    public void Set() => Interlocked.Exchange(ref _changed, New()).SetResult();

    /// <exception cref="TimeoutException">The condition did not come true within <see cref="Timeout"/>.</exception>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        while (true)
        {
            var changed = _changed.Task;
            if (condition())
            {
                return;
            }

            try
            {
                await changed.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"{what} did not come within {Timeout.TotalSeconds} s");
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
