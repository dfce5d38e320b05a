using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Process;

/// <summary>
/// Work that goes on beside the requests, round after round until it is disposed. A round that fails is logged and the
/// next one comes all the same: nothing may end it unnoticed. A failure that repeats is said once, until a round
/// succeeds.
/// </summary>
internal sealed class BackgroundLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<CancellationToken, Task> _pause;
    private readonly Func<Task> _round;
    private readonly string _consequence;
    private readonly OperationalLog _log;
    private readonly Task _rounds;
    private string? _lastError;

    private BackgroundLoop(
        Func<CancellationToken, Task> pause, Func<Task> round, string consequence, OperationalLog log)
    {
        (_pause, _round, _consequence, _log) = (pause, round, consequence, log);
        _rounds = RunAsync();
    }

    /// <param name="pause">Waits before each round, the first one too; it ends when it is cancelled.</param>
    /// <param name="consequence">What a round that failed means, for the log.</param>
    public static BackgroundLoop Start(
        Func<CancellationToken, Task> pause, Func<Task> round, string consequence, OperationalLog log) =>
        new(pause, round, consequence, log);

    /// <summary>Does one piece of work that nobody waits for; the task never fails, whatever the work does.</summary>
    /// <param name="consequence">What it means when the work fails, for the log.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Nobody would see it elsewhere.")]
    public static async Task DoAsync(Func<Task> work, string consequence, OperationalLog log)
    {
        try
        {
            await work();
        }
        catch (OutageException e)
        {
            log.Debug($"{consequence}: {e.Message}");
        }
        catch (Exception e)
        {
            log.Error($"{consequence}: {e.GetType().Name}: {e.Message}");
        }
    }

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
                await PauseAsync();
                await TryAsync();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    /// <summary>
    /// A pause that fails is one of a second, so that the failure neither ends the loop nor makes it race.
    /// </summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever a pause fails of, the next round may not.")]
    private async Task PauseAsync()
    {
        try
        {
            await _pause(_stop.Token);
        }
        catch (Exception e) when (!_stop.IsCancellationRequested)
        {
            Say($"{_consequence}: {e.GetType().Name}: {e.Message}");
#pragma warning disable RS0030 // A second against a spin is no rule of the product.
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, _stop.Token);
#pragma warning restore RS0030
        }
    }

    [SuppressMessage(
        "Design",
        "CA1031:Do not catch general exception types",
        Justification = "Whatever a round fails of, the next one may not.")]
    private async Task TryAsync()
    {
        try
        {
            await _round();
            _lastError = null;
        }
        catch (OutageException e)
        {
            _log.Debug($"{_consequence}: {e.Message}");
        }
        catch (Exception e)
        {
            Say($"{_consequence}: {e.GetType().Name}: {e.Message}");
        }
    }

    private void Say(string error)
    {
        if (error == _lastError)
        {
            _log.Debug(error);
        }
        else
        {
            _log.Error(error);
        }

        _lastError = error;
    }
}
