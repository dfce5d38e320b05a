using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Storage;

/// <summary>
/// Work that goes on beside the requests, round after round until it is disposed. A round that fails is logged and the next
/// one comes all the same: nothing may end it unnoticed.
/// </summary>
internal sealed class BackgroundLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<CancellationToken, Task> _pause;
    private readonly Func<Task> _round;
    private readonly string _consequence;
    private readonly OperationalLog _log;
    private readonly Task _rounds;
    private string? _said;

    private BackgroundLoop(Func<CancellationToken, Task> pause, Func<Task> round, string consequence, OperationalLog log)
    {
        (_pause, _round, _consequence, _log) = (pause, round, consequence, log);
        _rounds = RunAsync();
    }

    /// <param name="pause">Waits before each round, the first one too; it ends when it is cancelled.</param>
    /// <param name="consequence">What a round that failed means, for the log.</param>
    public static BackgroundLoop Start(Func<CancellationToken, Task> pause, Func<Task> round, string consequence, OperationalLog log) =>
        new(pause, round, consequence, log);

    /// <summary>Waits for the round under way, if there is one.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _rounds;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _pause(_stop.Token);
                await TryAsync();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever a round fails of, the next one may not.")]
    private async Task TryAsync()
    {
        try
        {
            await _round();
            _said = null;
        }
        catch (StoreUnavailableException e)
        {
            _log.Debug($"{_consequence}: {e.Message}");
        }
        catch (Exception e)
        {
            // Once until a round passes: many rounds may come in a second.
            var problem = $"{_consequence}: {e.GetType().Name}: {e.Message}";
            if (problem != _said)
            {
                _log.Error(_said = problem);
            }
        }
    }
}
