using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// One collector. Exports wait in a bounded queue and are sent by a few senders; a retryable failure is tried again
/// later, a destination that keeps failing is left alone for a while (<see cref="Breaker"/>).
/// </summary>
internal sealed class OtlpDestination : IDisposable
{
    private const int MaxSenders = 8;

    private readonly TelemetryDestination _config;
    private readonly OtlpSender _sender;
    private readonly TimeProvider _clock;
    private readonly DestinationReport _report;
    private readonly Breaker _breaker;

    /// <summary>Protects the queue, the report, the breaker and the fields below it that change.</summary>
    private readonly Lock _lock = new();
    private readonly ExportQueue _queue;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stopped;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _senders;
    private bool _isWakeScheduled;
    private bool _isDraining;
    private bool _hasEnded;

    /// <param name="name">The key of gateway.yaml that names the collector.</param>
    public OtlpDestination(
        string name, TelemetryDestination config, AuthorizeExport? authorize, HttpMessageInvoker http,
        RelayMeters meters, TimeProvider clock, OperationalLog log)
    {
        _config = config;
        _sender = new OtlpSender(config, authorize, http, clock);
        _clock = clock;
        _breaker = new Breaker(clock);
        // The host alone: a path or query may hold a key.
        _stopped = _stopping.Token;
        var counts = meters.Of(name, config.Url.Host);
        _queue = new ExportQueue(counts);
        _report = new DestinationReport($"{name} ({config.Url.Host})", counts, log);
    }

    public bool Takes(OtlpSignal signal) => signal switch
    {
        OtlpSignal.Metrics => _config.Metrics,
        OtlpSignal.Logs => _config.Logs,
        _ => _config.Traces,
    };

    public void Enqueue(OtlpExport export)
    {
        lock (_lock)
        {
            if (_isDraining || !_queue.TryAdd(export))
            {
                _report.Dropped("too many exports are waiting");
                return;
            }

            Wake_NeedsLock();
        }
    }

    public async Task DrainAsync(TimeSpan patience)
    {
        lock (_lock)
        {
            _isDraining = true;
            _queue.EndWaits();
            Wake_NeedsLock();
            EndWhenEmpty_NeedsLock();
        }

        await _drained.Task.WaitAsync(patience, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            // Before the senders are stopped: what they hold is counted here and no second time.
            _hasEnded = true;
            _report.Ended(_queue.Held);
            _queue.ReleaseAll();
        }

        await _stopping.CancelAsync();
    }

    /// <summary>Gives up what is still being sent.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    /// <summary>Starts senders for what waits, as far as the breaker allows.</summary>
    private void Wake_NeedsLock()
    {
        if (_breaker.Remaining is { Ticks: > 0 } pause && !_isDraining)
        {
            WakeLater_NeedsLock(pause);
            return;
        }

        var allowed = _breaker.IsProbing && !_isDraining ? 1 : MaxSenders;
        while (_senders < allowed && _queue.Take() is { } next)
        {
            _senders++;
            _ = Task.Run(() => SendAllAsync(next));
        }
    }

    private void WakeLater_NeedsLock(TimeSpan delay)
    {
        if (_isWakeScheduled || _queue.IsEmpty)
        {
            return;
        }

        _isWakeScheduled = true;
        _ = AfterAsync(delay, () =>
        {
            _isWakeScheduled = false;
            Wake_NeedsLock();
        });
    }

    private async Task SendAllAsync(PendingExport first)
    {
        for (var pending = first; pending is not null;)
        {
            var answer = await _sender.SendAsync(pending.Export, _stopped);
            lock (_lock)
            {
                pending.Attempts++;
                TryJudge_NeedsLock(pending, answer);
                pending = Next_NeedsLock();
                EndWhenEmpty_NeedsLock();
            }
        }
    }

    /// <summary>The sender's next export; null ends the sender.</summary>
    private PendingExport? Next_NeedsLock()
    {
        var mayGoOn = _isDraining || (_breaker.Remaining == TimeSpan.Zero && !_breaker.IsProbing);
        var next = mayGoOn ? _queue.Take() : null;
        if (next is null)
        {
            _senders--;
            Wake_NeedsLock();
        }

        return next;
    }

    /// <summary>
    /// One export must not end its sender: with all of them gone nothing would be sent any more.
    /// </summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever one export fails of, the next one may not.")]
    private void TryJudge_NeedsLock(PendingExport pending, OtlpAnswer answer)
    {
        try
        {
            Judge_NeedsLock(pending, answer);
        }
        catch (Exception e)
        {
            _queue.Release(pending);
            _report.Dropped($"an export could not be judged: {e.GetType().Name}: {e.Message}");
        }
    }

    private void Judge_NeedsLock(PendingExport pending, OtlpAnswer answer)
    {
        if (_hasEnded)
        {
            _queue.Release(pending);
            return;
        }

        if (!answer.IsFailure)
        {
            // An answer, even a refusal of this payload, shows a working collector.
            _breaker.Succeeded();
        }
        else if (_breaker.Failed())
        {
            _report.Changed(
                $"{Breaker.Threshold} exports in a row failed, the last with {answer.Text}; waiting "
                    + $"{Breaker.Pause.TotalSeconds:0} s before the next");
        }

        if (answer.IsRetryable && pending.Attempts < RetryPolicy.MaxAttempts)
        {
            Retry_NeedsLock(pending, answer);
            return;
        }

        _queue.Release(pending);
        if (answer.IsAccepted)
        {
            _report.Works();
        }
        else
        {
            _report.Dropped($"does not take exports: {answer.Text}");
        }
    }

    private void Retry_NeedsLock(PendingExport pending, OtlpAnswer answer)
    {
        if (_isDraining)
        {
            // No time to wait: what is held is counted as dropped when the drain ends.
            return;
        }

        _queue.Wait(pending);
        var delay = RetryPolicy.Delay(pending.Attempts, answer.RetryAfter, _clock.GetUtcNow());
        _ = AfterAsync(delay, () =>
        {
            _queue.EndWait(pending);
            Wake_NeedsLock();
        });
        _report.Retrying(delay, answer.Text);
    }

    private async Task AfterAsync(TimeSpan delay, Action action)
    {
        await Task.Delay(delay, _clock, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            if (!_stopped.IsCancellationRequested)
            {
                action();
            }
        }
    }

    private void EndWhenEmpty_NeedsLock()
    {
        if (_isDraining && _senders == 0 && _queue.IsEmpty)
        {
            _drained.TrySetResult();
        }
    }
}
