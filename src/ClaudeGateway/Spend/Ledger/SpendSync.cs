using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Keeps the ledger and the store together. One round at a time: everything spent since the last one goes out as one
/// grouped commit: at once in quiet times, every <see cref="Gap"/> under load, sooner when somebody waits for an answer. What cannot be written is kept,
/// one sum for each developer and day, and sent again as it was until the store confirms it, so nothing is lost and nothing
/// counted twice. A store that stays silent is left alone by requests until a round of our own gets through.
/// </summary>
internal sealed class SpendSync : IAsyncDisposable
{
    private const int MaxCountersPerRound = 1000;

    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan ShortRetryPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StallTime = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ForgetPeriod = TimeSpan.FromMinutes(10);

    private readonly SpendRound _round;
    private readonly SpendLedger _ledger;
    private readonly LimitBook _book;
    private readonly SpendLimitStore _limits;
    private readonly ReplicaChannel _replicas;
    private readonly TimeProvider _clock;
    private readonly OperationalLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly RateBudget _rounds;
    private List<Question> _questions = [];
    private TaskCompletionSource _urgent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SpendBatch? _unconfirmed;
    private long _sequence;
    private long _lastRound;
    private long _roundStarted;
    private long _lastForgotten;
    private int _isWoken;
    private volatile bool _isFailing;
    private volatile bool _isSilent;
    private Task _loop = Task.CompletedTask;

    public SpendSync(SpendRound round, SpendLedger ledger, LimitBook book, SpendLimitStore limits, ReplicaChannel replicas, TimeProvider clock, OperationalLog log)
    {
        _round = round;
        _ledger = ledger;
        _book = book;
        _limits = limits;
        _replicas = replicas;
        _clock = clock;
        _log = log;
        _rounds = new RateBudget(perSecond: 10, burst: 10, clock);
        replicas.On("spend", OnSpend);
        const string consequence = "spend: changed limits are read with the next round";
        replicas.On("limits", (_, _) => _ = BackgroundLoop.DoAsync(FollowLimitsAsync, consequence, log));
    }

    private sealed record Question(IReadOnlyCollection<SpendCounter> Counters, TaskCompletionSource Answered);

    /// <summary>Statements sent so far, for the figures in docs/performance.md.</summary>
    public long Rounds { get; private set; }

    /// <summary>The span of uninterrupted news from other replicas; 0 when the ledger must not be trusted.</summary>
    public long Epoch => _isFailing ? 0 : _replicas.Epoch;

    /// <summary>Replicas on the same store, this one included.</summary>
    public int Replicas => _replicas.Replicas;

    /// <summary>Whether the store has let a round wait for longer than it ever should.</summary>
    public bool IsStalled => Interlocked.Read(ref _roundStarted) is not 0 and var start && _clock.GetElapsedTime(start) > StallTime;

    public void Start() => _loop = LoopAsync();

    /// <summary>Says that something waits to be written.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) == 0)
        {
            _work.Release();
        }
    }

    /// <summary>
    /// Waits for a round that begins after this call and covers these counters: afterwards they, and the limits, are what the
    /// store says now.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The store does not answer, or has not for a while.</exception>
    public async Task AskAsync(IReadOnlyCollection<SpendCounter> counters)
    {
        if (_isSilent)
        {
            throw new StoreUnavailableException("the store does not answer");
        }

        var question = new Question(counters, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            _questions.Add(question);
            _urgent.TrySetResult();
        }

        Wake();
        try
        {
            await question.Answered.Task.WaitAsync(Database.DefaultTimeout, _clock);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("no answer in time", e);
        }
    }

    /// <summary>Writes everything spent until now.</summary>
    /// <exception cref="StoreUnavailableException">Something could not be written; it is kept.</exception>
    public async Task FlushAsync()
    {
        do
        {
            await AskAsync([]);
        }
        while (_ledger.HasChanges);
    }

    /// <summary>Stops after one last attempt to write what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_loop.IsCompleted && (_ledger.HasChanges || _unconfirmed is not null))
            {
                await FlushAsync();
            }
        }
        catch (StoreUnavailableException e)
        {
            _log.Error($"spend: the last amounts could not be written before stopping: {e.Message}");
        }

        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _work.Dispose();
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                if (_isFailing)
                {
                    await Task.Delay(ShortRetryPause, _clock, _stop.Token);
                    await RestAsync(RetryPause);
                }
                else
                {
                    await _work.WaitAsync(_stop.Token);
                    if (!_rounds.TryTake())
                    {
                        await RestAsync(Gap - _clock.GetElapsedTime(_lastRound));
                    }
                }

                Volatile.Write(ref _isWoken, 0);
                await RunRoundAsync();
                ForgetIdle();
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }

    /// <summary>Lets time pass, unless somebody waits for an answer.</summary>
    private async Task RestAsync(TimeSpan rest)
    {
        if (rest > TimeSpan.Zero)
        {
            Task urgent;
            lock (_lock)
            {
                urgent = _urgent.Task;
            }

            await Task.WhenAny(urgent, Task.Delay(rest, _clock, _stop.Token));
            _stop.Token.ThrowIfCancellationRequested();
        }
    }

    private async Task RunRoundAsync()
    {
        List<Question> questions;
        lock (_lock)
        {
            questions = _questions;
            _questions = [];
            _urgent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        var epoch = _replicas.Epoch;
        var asked = questions.SelectMany(question => question.Counters).Distinct().ToList();
        _unconfirmed ??= NextBatch();
        if (_unconfirmed is null && questions.Count == 0 && !_isFailing)
        {
            return;
        }

        _lastRound = _clock.GetTimestamp();
        Interlocked.Exchange(ref _roundStarted, _lastRound);
        try
        {
            var answer = await ExchangeAsync(asked);
            Apply(answer, asked, epoch);
            if (answer.LimitsVersion > _book.Version)
            {
                await _limits.RefreshAsync(_book);
            }

            Recovered();
            questions.ForEach(question => question.Answered.TrySetResult());
        }
        catch (StoreUnavailableException e)
        {
            Failed(e, questions);
        }
#pragma warning disable CA1031 // Whatever the store refuses, the amounts are kept and the loop goes on.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            _log.Error($"spend: the store refused a round, it will be sent again: {e.GetType().Name}: {e.Message}");
            Failed(new StoreUnavailableException(e.Message, e), questions);
        }
        finally
        {
            Interlocked.Exchange(ref _roundStarted, 0);
        }

        if (_ledger.HasChanges)
        {
            Wake();
        }
    }

    private async Task<SpendAnswer> ExchangeAsync(List<SpendCounter> asked)
    {
        Rounds++;
        var answer = await _round.RunAsync(_unconfirmed, asked);
        if (_unconfirmed is null || answer.IsApplied)
        {
            return answer;
        }

        // An earlier attempt had been committed although nobody told us: only the totals are missing.
        Rounds++;
        return await _round.RunAsync(null, [.. asked.Union(_unconfirmed.Deltas.Select(delta => delta.Counter))]);
    }

    private SpendBatch? NextBatch()
    {
        var deltas = _ledger.TakeChanges(MaxCountersPerRound);
        var identities = _ledger.TakeIdentities(MaxCountersPerRound);
        return deltas.Count == 0 && identities.Count == 0 ? null : new SpendBatch(++_sequence, deltas, identities);
    }

    private void Apply(SpendAnswer answer, List<SpendCounter> asked, long epoch)
    {
        var totals = answer.Totals.ToLookup(total => total.Key);
        foreach (var counter in (_unconfirmed?.Deltas ?? []).Select(delta => delta.Counter).Distinct())
        {
            counter.Confirm(totals[counter.Key]);
        }

        foreach (var total in answer.Totals)
        {
            if (_ledger.TryFind(total.Key, out var counter))
            {
                counter.Merge(total);
            }
        }

        foreach (var counter in asked)
        {
            counter.SyncedEpoch = epoch;
        }

        _unconfirmed = null;
    }

    private void Recovered()
    {
        if (_isFailing)
        {
            _log.Info("spend: the store answers again; what was spent meanwhile is being written");
        }

        _isFailing = false;
        _isSilent = false;
    }

    private void Failed(StoreUnavailableException e, List<Question> questions)
    {
        if (!_isFailing)
        {
            _log.Error($"spend: the store is away ({e.Message}); amounts are kept in memory until it is back");
        }

        _isSilent = e.InnerException is OperationCanceledException or TimeoutException;
        _isFailing = true;
        lock (_lock)
        {
            if (_isSilent)
            {
                // Those that came meanwhile would wait just as long for the same silence.
                questions.AddRange(_questions);
                _questions = [];
            }
        }

        questions.ForEach(question => question.Answered.TrySetException(e));
    }

    /// <summary>Another replica wrote: <c>key period day total</c> for each counter.</summary>
    private void OnSpend(string sender, string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i + 3 < words.Length; i += 4)
        {
            if (StoredTotals.TryParse(words.AsSpan(i, 4), out var total) && _ledger.TryFind(total.Key, out var counter))
            {
                counter.Merge(total);
            }
        }
    }

    private async Task FollowLimitsAsync()
    {
        try
        {
            await _limits.RefreshAsync(_book);
            await _replicas.AcknowledgeAsync(_book.Version);
        }
        catch (StoreUnavailableException)
        {
            // The next round finds out by the version it reads.
        }
    }

    private void ForgetIdle()
    {
        if (_clock.GetElapsedTime(_lastForgotten) > ForgetPeriod)
        {
            _lastForgotten = _clock.GetTimestamp();
            _ledger.ForgetIdle();
        }
    }
}
