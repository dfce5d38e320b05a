using System.Globalization;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Spend;

/// <summary>Alone in the process while it measures.</summary>
[CollectionDefinition(nameof(LedgerMemoryTests), DisableParallelization = true)]
[Collection(nameof(LedgerMemoryTests))]
public sealed class LedgerMemoryTests
{
    [Fact]
    public void Ten_thousand_developers_with_three_caps_each_fit_into_fifty_megabytes()
    {
        const int developers = 10_000;
        var ledger = new SpendLedger(TimeProvider.System);
        var book = new LimitBook();
        var before = SettledMemory();
        for (var i = 0; i < developers; i++)
        {
            var sub = string.Create(CultureInfo.InvariantCulture, $"00u1a2b3c4d5e6f7g8h9-{i}");
            var principal = new Principal(sub, sub + "@example.com", "Somebody " + sub, ["engineering", "everybody"])
            {
                ExpiresAt = DateTimeOffset.MaxValue,
            };
            var counter = ledger.Counter(CounterKind.User, sub);
            ledger.See(counter, SpendIdentity.Of(principal, sub, ledger.Today));
            ledger.Add(counter, Money.FromCents(1));
            foreach (var period in SpendPeriods.All)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"spl_{i:x16}{(int)period:x16}");
                book.Apply(
                    [(
                        id,
                        new SpendLimit(
                            id,
                            (3 * i) + (int)period,
                            new SpendScope(SpendScopeType.User, sub),
                            period,
                            1000,
                            null,
                            default,
                            default))],
                    (3 * i) + (int)period + 1);
            }
        }

        var used = SettledMemory() - before;
        Assert.InRange(used, 0, 50_000_000);
        Assert.Equal(1000, book.Resolve("00u1a2b3c4d5e6f7g8h9-77", [], GroupLimitMode.Min).Weekly!.AmountCents);
        Assert.Equal(developers, ledger.Count);
    }

    /// <summary>What is in use once everything that other tests left has gone, finalizers included.</summary>
    private static long SettledMemory()
    {
        var last = long.MaxValue;
        for (var round = 0; round < 50; round++)
        {
            GC.WaitForPendingFinalizers();
            var now = GC.GetTotalMemory(forceFullCollection: true);
            if (now >= last - 10_000)
            {
                return now;
            }

            last = now;
        }

        return last;
    }
}
