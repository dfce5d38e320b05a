using System.Globalization;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>
/// The published gateway under constant load: latency percentiles, processor time a request, peak memory, errors.
/// </summary>
internal static class LoadBenchmark
{
    private const int Rounds = 3;
    private static readonly double[] Shares = [0.5, 0.9, 0.99, 0.999, 1];

    public static async Task RunAsync(FigureBook figures)
    {
        await using var idp = new FakeIdentityProvider();
        await using var postgres = await PostgresServer.StartAsync();
        await using var upstream = new LoadUpstream();
        await upstream.StartAsync();
        foreach (var scenario in LoadScenario.All)
        {
            await using var gateway = await LoadGateway.StartAsync(
                idp.Issuer, await postgres.CreateDatabaseAsync(), upstream.Url);
            upstream.Play(scenario);
            // The pacer sleeps: a thread of its own, neither one of the sockets' nor one of the few of the pool.
            await Task.Factory.StartNew(
                () => Run(figures, gateway, scenario),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
    }

    private static void Run(FigureBook figures, LoadGateway gateway, LoadScenario scenario)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { UseCookies = false });
        var url = new Uri(gateway.Url, "/v1/messages");
        // Opens the connections and lets the runtime compile for good.
        new LoadDriver(http, url, gateway.Bearer, scenario with { Rate = scenario.Rate / 5 }).Run(scenario.Duration);
        var driver = new LoadDriver(http, url, gateway.Bearer, scenario);
        var unit = Calibration.Nanoseconds();
        // The least of the rounds: other work on the machine costs cache and adds.
        var processor = Enumerable.Range(0, Rounds).Min(_ => ProcessorTimeOf(gateway, driver, scenario));
        unit = Math.Min(unit, Calibration.Nanoseconds());

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"\n{scenario.Name}, {scenario.Rate} requests a second, {Rounds} times "
                    + $"{scenario.Duration.TotalSeconds:0} s"));
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {processor.TotalMicroseconds:#,0} µs of processor time a request, {gateway.PeakMebibytes} MiB at "
                    + $"most, {driver.Errors} errors {driver.FirstError}"));
        Console.WriteLine("  ms             p50      p90      p99    p99.9      max");
        Write("first byte", driver.FirstByte);
        Write("end", driver.End);
        figures.Add(
            $"{scenario.Name}: processor time, {Calibration.Unit}",
            processor.TotalNanoseconds / unit,
            FigureKind.Ratio);
        figures.Add($"{scenario.Name}: errors", driver.Errors, FigureKind.Bounded);
    }

    /// <summary>Per request of one round.</summary>
    private static TimeSpan ProcessorTimeOf(LoadGateway gateway, LoadDriver driver, LoadScenario scenario)
    {
        var before = gateway.ProcessorTime;
        var requests = driver.Run(scenario.Duration);
        return (gateway.ProcessorTime - before) / requests;
    }

    private static void Write(string name, LatencyHistogram histogram) =>
        Console.WriteLine(
            $"  {name,-10}"
            + string.Concat(
                Shares.Select(
                    share =>
                        histogram.Percentile(share).TotalMilliseconds.ToString("0.00",
                            CultureInfo.InvariantCulture).PadLeft(9))));
}
