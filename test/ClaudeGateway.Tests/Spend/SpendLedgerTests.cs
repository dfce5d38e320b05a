using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;

namespace ClaudeGateway.Tests.Spend;

public sealed class SpendLedgerTests
{
    [Fact]
    public async Task A_counter_that_comes_back_while_idle_ones_are_forgotten_still_hears_of_other_replicas()
    {
        // Always hours since the last look: every counter is idle at any time.
        var ledger = new SpendLedger(new HastyClock());
        var deaf = 0;
        for (var round = 0; round < 300; round++)
        {
            using var start = new Barrier(3);
            await Task.WhenAll(Run(start, ledger.ForgetIdle), Run(start, Use), Run(start, Use));
            var counter = ledger.Counter(CounterKind.User, "alice");
            deaf += ledger.TryFind(counter.Key, out var found) && found == counter ? 0 : 1;
        }

        Assert.Equal(0, deaf);

        void Use() => ledger.Counter(CounterKind.User, "alice");
    }

    [Fact]
    public void What_is_not_written_is_told_by_whose_it_is()
    {
        var ledger = new SpendLedger(TimeProvider.System);
        Assert.True(ledger.Unwritten().IsNothing);
        ledger.Add(ledger.Counter(CounterKind.User, "alice"), Money.FromCents(130));
        ledger.Add(ledger.Counter(CounterKind.User, "bob"), new Money(1_000_000));
        ledger.Add(ledger.Counter(CounterKind.Pool, "eng"), Money.FromCents(50));
        Assert.Equal("1.30001 US dollars of 2 developers and 0.50 of 1 shared budget", ledger.Unwritten().ToString());
    }

    [Fact]
    public void What_the_store_refuses_counts_and_is_not_sent_until_it_is_tried_again()
    {
        var ledger = new SpendLedger(TimeProvider.System);
        var counter = ledger.Counter(CounterKind.User, "alice");
        ledger.Add(counter, Money.FromCents(3));
        counter.Hold(ledger.TakeChanges(10));
        ledger.Add(counter, Money.FromCents(4));
        Assert.Equal((false, Money.FromCents(7)), (ledger.HasChanges, counter.Totals(ledger.Today).Daily));
        ledger.Unhold(counter);
        Assert.Equal(Money.FromCents(7), Assert.Single(ledger.TakeChanges(10)).Amount);
    }

    private static Task Run(Barrier start, Action action) =>
        Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                for (var i = 0; i < 300; i++)
                {
                    action();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

    private sealed class HastyClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _now, TimeSpan.TicksPerHour * 3);
    }
}
