using System.Diagnostics;
using System.Globalization;

namespace ClaudeGateway.Bench;

/// <summary>
/// Measures a piece of work on this thread: nanoseconds and bytes allocated a call, the least of some rounds each,
/// since what else the machine and the runtime do only ever adds.
/// </summary>
internal static class MicroBenchmark
{
    private const int Rounds = 300;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(500);

    // Shorter than a turn on a busy processor, so that some rounds are not interrupted.
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(1);

    public static void Measure(FigureBook figures, string name, Action work)
    {
        var calls = CallsPerRound(work);
        var rounds = Enumerable.Range(0,
            Rounds).Select(_ => (Work: Once(work, calls), Unit: Calibration.Once())).ToList();
        var nanoseconds = rounds.Min(round => round.Work.Nanoseconds);
        var ratio = nanoseconds / rounds.Min(round => round.Unit);
        var bytes = rounds.Min(round => round.Work.Bytes);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-56}{nanoseconds,12:#,0} ns{ratio,9:0.000} {Calibration.Unit}{bytes,10:#,0} B"));
        figures.Add($"{name}: {Calibration.Unit}", ratio, FigureKind.Ratio);
        figures.Add($"{name}: bytes allocated", bytes, FigureKind.Bytes);
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    /// <summary>Also lets the runtime compile the work for good.</summary>
    private static int CallsPerRound(Action work)
    {
        var watch = Stopwatch.StartNew();
        var calls = 0;
        while (watch.Elapsed < WarmUp)
        {
            work();
            calls++;
        }

        return Math.Max(1, (int)(calls * Round / WarmUp));
    }

    private static (double Nanoseconds, double Bytes) Once(Action work, int calls)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < calls; i++)
        {
            work();
        }

        var elapsed = Stopwatch.GetElapsedTime(start);
        return (elapsed.TotalNanoseconds / calls, (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)calls);
    }
}
