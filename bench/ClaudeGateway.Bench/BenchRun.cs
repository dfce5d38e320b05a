namespace ClaudeGateway.Bench;

/// <summary>
/// All benchmarks, one after the other, and the comparison with the figures kept in bench/figures.json.
/// </summary>
internal static class BenchRun
{
    /// <returns>1 when a figure is worse than the kept one by more than its tolerance.</returns>
    public static async Task<int> RunAsync(bool keep)
    {
        var figures = new FigureBook();
        MicroBenchmarks.Run(figures);
        await StreamBenchmark.RunAsync(figures);
        await LoadBenchmark.RunAsync(figures);
        if (keep)
        {
            figures.Keep();
            return 0;
        }

        return figures.Compare();
    }

    /// <summary>Only the pieces by themselves, which take half a minute.</summary>
    public static int RunMicro()
    {
        var figures = new FigureBook();
        MicroBenchmarks.Run(figures);
        return figures.Compare();
    }

    public static int Usage()
    {
        Console.Error.WriteLine("usage: ClaudeGateway.Bench [--keep | --micro]");
        return 2;
    }
}
