using System.Data.Common;
using System.Threading.Channels;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Keeps the ledger and the store together. One round at a time: everything spent since the last one goes out as one
/// grouped commit: at once in quiet times, every <see cref="Gap"/> under load, sooner when somebody waits for an
/// answer. What cannot be written is kept, one sum for each developer and day, and sent again as it was until the store
/// confirms it, so nothing is lost and nothing counted twice. A store that stays silent is left alone by requests until
/// a round of our own gets through. What the store refuses for good is found, kept in memory and tried again now and
/// then; it keeps nothing else from being written.
/// </summary>
internal sealed class SpendSync : IAsyncDisposable
{
    private const int MaxCountersPerRound = 1000;

    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan ShortRetryPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StallTime = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ForgetPeriod = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan HeldPeriod = TimeSpan.FromMinutes(10);

    private readonly SpendRound _round;
    private readonly SpendLedger _ledger;
    private readonly LimitBook _book;
    private readonly SpendLimitStore _limits;
    private readonly ReplicaChannel _replicas;
    private readonly TimeProvider _clock;
    private readonly OperationalLog _log;

    /// <summary>
    /// Protects <see cref="_questions"/> and <see cref="_urgent"/>: a question comes with the signal that ends the rest
    /// before its round.
    /// </summary>
    private readonly Lock _lock = new();
    private readonly Channel<bool> _work =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly RateBudget _rounds;

    /// <summary>Counters whose amounts the store refuses. Used by rounds only.</summary>
    private readonly HashSet<SpendCounter> _held = [];

    /// <summary>
    /// Parts of a refused batch, to be sent one by one until the row that is refused is found. Used by rounds only.
    /// </summary>
    private readonly Stack<SpendBatch> _parts = new();
    private List<Question> _questions = [];
    private TaskCompletionSource _urgent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SpendBatch? _unconfirmed;
    private long _sequence;
    private long _lastRound;
    private long _unwrittenSince;
    private long _roundStarted;
    private long _lastForgotten;
    private long _lastHeldTry;
    private volatile bool _isFailing;
    private volatile bool _isSilent;
    private volatile bool _triesHeldAgain;
    private BackgroundLoop? _loop;

    public SpendSync(
        SpendRound round, SpendLedger ledger, LimitBook book, SpendLimitStore limits, ReplicaChannel replicas,
        TimeProvider clock, OperationalLog log)
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

    /// <summary>How long something has waited to be written; zero when nothing does.</summary>
    public TimeSpan Lag =>
        Interlocked.Read(ref _unwrittenSince) is not 0 and var since ? _clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Whether the store has let a round wait for longer than it ever should.</summary>
    public bool IsStalled =>
        Interlocked.Read(ref _roundStarted) is not 0 and var start && _clock.GetElapsedTime(start) > StallTime;

    public void Start() =>
        _loop = BackgroundLoop.Start(PauseAsync, RunRoundAsync, "spend: amounts wait for the next round", _log);

    /// <summary>Says that something waits to be written.</summary>
    public void Wake()
    {
        if (Interlocked.Read(ref _unwrittenSince) == 0)
        {
            Interlocked.Exchange(ref _unwrittenSince, _clock.GetTimestamp());
        }

        _work.Writer.TryWrite(true);
    }

    /// <summary>
    /// Waits for a round that begins after this call and covers these counters: afterwards they, and the limits, are
    /// what the store says now.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The store does not answer, or has not for a while.</exception>
    public Task AskAsync(IReadOnlyCollection<SpendCounter> counters) =>
        _isSilent
            ? throw new StoreUnavailableException("the store does not answer")
            : AskAlwaysAsync(counters, CancellationToken.None);

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

    /// <summary>
    /// Before the gateway stops: writes everything, also what the store refused before, and tries again until
    /// <paramref name="cut"/> while it cannot, silent or not.
    /// </summary>
    public async Task DrainAsync(CancellationToken cut)
    {
        _triesHeldAgain = true;
        while (_loop is not null && !_ledger.Unwritten().IsNothing && !cut.IsCancellationRequested)
        {
            try
            {
                await FlushAlwaysAsync(cut);
                return;
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(RetryPause, _clock, cut).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (cut.IsCancellationRequested)
            {
                // Its time is over; what is left is said in the end.
            }
        }
    }

    /// <summary>Stops after one last attempt to write what is left, and says what is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_loop is null)
        {
            return;
        }

        var problem = "the store refuses them";
        try
        {
            if (_ledger.HasChanges || _unconfirmed is not null)
            {
                await FlushAlwaysAsync(CancellationToken.None);
            }
        }
        catch (StoreUnavailableException e)
        {
            problem = e.Message;
        }

        await _loop.DisposeAsync();
        if (_ledger.Unwritten() is { IsNothing: false } lost)
        {
            _log.Error($"spend: {lost} could not be written before stopping and are lost: {problem}");
        }
    }

    private async Task FlushAlwaysAsync(CancellationToken cut)
    {
        do
        {
            await AskAlwaysAsync([], cut);
        }
        while (_ledger.HasChanges);
    }

    private async Task AskAlwaysAsync(IReadOnlyCollection<SpendCounter> counters, CancellationToken cut)
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _questions.Add(new Question(counters, answered));
            _urgent.TrySetResult();
        }

        Wake();
        try
        {
            await answered.Task.WaitAsync(Database.DefaultTimeout, _clock, cut);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("no answer in time", e);
        }
    }

    /// <summary>Until there is something to do, and not sooner after the last round than need be.</summary>
    private async Task PauseAsync(CancellationToken stop)
    {
        if (_isFailing)
        {
            await Task.Delay(ShortRetryPause, _clock, stop);
            await RestAsync(RetryPause, stop);
        }
        else
        {
            await _work.Reader.WaitToReadAsync(stop);
            if (!_rounds.TryTake())
            {
                await RestAsync(Gap - _clock.GetElapsedTime(_lastRound), stop);
            }
        }

        // Before the round looks for work: what comes from here on asks for another one.
        _work.Reader.TryRead(out _);
    }

    /// <summary>Lets time pass, unless somebody waits for an answer.</summary>
    private async Task RestAsync(TimeSpan rest, CancellationToken stop)
    {
        if (rest > TimeSpan.Zero)
        {
            Task urgent;
            lock (_lock)
            {
                urgent = _urgent.Task;
            }

            await Task.WhenAny(urgent, Task.Delay(rest, _clock, stop));
            stop.ThrowIfCancellationRequested();
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

        LookAfterLedger();
        var asked = questions.SelectMany(question => question.Counters).Distinct().ToList();
        _unconfirmed ??= NextBatch();
        if (_unconfirmed is null && questions.Count == 0 && !_isFailing)
        {
            Interlocked.Exchange(ref _unwrittenSince, 0);
            return;
        }

        _lastRound = _clock.GetTimestamp();
        Interlocked.Exchange(ref _roundStarted, _lastRound);
        try
        {
            await ExchangeAllAsync(asked);
            Interlocked.Exchange(ref _unwrittenSince, _ledger.HasChanges ? _lastRound : 0);
            Recovered();
            questions.ForEach(question => question.Answered.TrySetResult());
        }
        catch (StoreUnavailableException e)
        {
            Failed(e, questions);
        }
#pragma warning disable CA1031 // Whatever a round fails of: the amounts are kept and nobody trusts the ledger.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!_isFailing)
            {
                _log.Error($"spend: the store refused a round, it will be sent again: {e.GetType().Name}: {e.Message}");
            }

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

    /// <summary>Sends the batch that waits; where a row of it is refused, everything but that row.</summary>
    private async Task ExchangeAllAsync(List<SpendCounter> asked)
    {
        var isAnswered = false;
        do
        {
            var epoch = _replicas.Epoch;
            _unconfirmed ??= NextBatch();
            try
            {
                var answer = await ExchangeAsync(asked);
                Apply(answer, asked, epoch);
                isAnswered = true;
                if (answer.LimitsVersion > _book.Version)
                {
                    await _limits.RefreshAsync(_book);
                }
            }
            catch (DbException e) when (_unconfirmed is not null && StoreErrors.RefusesRow(e))
            {
                Split(_unconfirmed, e);
            }
        }
        while (!isAnswered || _unconfirmed is not null || _parts.Count > 0);
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
        if (_parts.TryPop(out var part))
        {
            return part with { Sequence = ++_sequence };
        }

        var deltas = _ledger.TakeChanges(MaxCountersPerRound);
        var identities = _ledger.TakeIdentities(MaxCountersPerRound);
        return deltas.Count == 0 && identities.Count == 0 ? null : new SpendBatch(++_sequence, deltas, identities);
    }

    /// <summary>
    /// The store refuses a row of the batch: what is left of it is sent in halves, until one row is alone. Nothing of a
    /// refused statement is in the store.
    /// </summary>
    private void Split(SpendBatch batch, DbException e)
    {
        var counters = batch.Deltas.GroupBy(delta => delta.Counter).Select(deltas => deltas.ToArray()).ToList();
        if (counters.Count > 0 && batch.Identities.Count > 0)
        {
            // Amounts under their number first: an earlier attempt may have been committed, identities and all.
            _parts.Push(new SpendBatch(0, [], batch.Identities));
            _unconfirmed = batch with { Identities = [] };
            return;
        }

        _unconfirmed = null;
        if (counters.Count > 1)
        {
            var half = counters.Count / 2;
            _parts.Push(new SpendBatch(0, [.. counters.Skip(half).SelectMany(deltas => deltas)], []));
            _parts.Push(new SpendBatch(0, [.. counters.Take(half).SelectMany(deltas => deltas)], []));
        }
        else if (counters.Count == 1)
        {
            Hold(counters[0], e);
        }
        else if (batch.Identities.Count > 1)
        {
            _parts.Push(new SpendBatch(0, [], [.. batch.Identities.Skip(batch.Identities.Count / 2)]));
            _parts.Push(new SpendBatch(0, [], [.. batch.Identities.Take(batch.Identities.Count / 2)]));
        }
        else
        {
            _log.Error(
                "spend: the store refuses the name, address and groups of one developer; they are left out until "
                + "tomorrow: "
                + StoreErrors.Describe(e));
        }
    }

    private void Hold(SpendDelta[] refused, DbException e)
    {
        var counter = refused[0].Counter;
        counter.Hold(refused);
        _held.Add(counter);
        var whose = counter.Kind == CounterKind.User ? "a developer" : "a shared budget";
        _log.Error(
            $"spend: the store refuses {counter.Unconfirmed.ToDollars()} US dollars of {whose} (key {counter.Key} in "
            + "gw_spend_counter): they count on this replica alone and are tried again in "
            + $"{HeldPeriod.TotalMinutes:0} minutes: {StoreErrors.Describe(e)}");
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
            // By itself too: the ledger may not hold it yet, or no more, under its key.
            foreach (var total in totals[counter.Key])
            {
                counter.Merge(total);
            }

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
#pragma warning disable CA1031 // Nobody waits for this: what goes wrong is said here or never.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _log.Error($"spend: changed limits wait for the next round: {e.GetType().Name}: {e.Message}");
        }
    }

    private void LookAfterLedger()
    {
        if (_clock.GetElapsedTime(_lastForgotten) > ForgetPeriod)
        {
            _lastForgotten = _clock.GetTimestamp();
            _ledger.ForgetIdle();
        }

        if (_held.Count > 0 && (_triesHeldAgain || _clock.GetElapsedTime(_lastHeldTry) > HeldPeriod))
        {
            _triesHeldAgain = false;
            _lastHeldTry = _clock.GetTimestamp();
            foreach (var counter in _held)
            {
                _ledger.Unhold(counter);
            }

            _held.Clear();
        }
    }
}
