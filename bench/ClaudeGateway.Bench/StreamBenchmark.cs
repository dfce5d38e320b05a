using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>
/// What one streamed event costs the whole gateway process, runtime and server included: of the Anthropic pass-through,
/// of Bedrock's binary frames and of a cloud's server-sent events, each event in a packet of its own.
/// </summary>
internal static class StreamBenchmark
{
    private const int Streams = 50;
    private const int ShortStream = 50;
    private const int LongStream = 250;
    private const int Rounds = 3;

    /// <summary>
    /// Decoding frames, checking both checksums and writing events may cost half as much again as passing events on.
    /// </summary>
    private const double MostTimesPassThrough = 1.5;

    private static readonly (string Name, string Model)[] Models = [
        ("Anthropic pass-through", GatewayChild.AnthropicModel),
        ("Bedrock frames", GatewayChild.BedrockModel),
        ("cloud SSE", GatewayChild.FoundryModel)];
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private static readonly string Delta = JsonSerializer.Serialize(
        new
        {
            type = "content_block_delta",
            index = 0,
            delta = new
            {
                type = "text_delta",
                text = "public static async Task<int> RunAsync(string[] args) => await"
            }
        });
    private static readonly byte[] SseEvent = Encoding.UTF8.GetBytes($"event: content_block_delta\ndata: {Delta}\n\n");
    private static readonly byte[] SseStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"u8.ToArray();
    private static readonly byte[] Frame = EventStreamFrames.Chunk(Delta);
    private static readonly byte[] FrameStop = EventStreamFrames.Chunk("""{"type":"message_stop"}""");

    public static async Task RunAsync(FigureBook figures)
    {
        await using var upstream = new FakeServer(AnswerAsync);
        using var child = StartChild(upstream.Url);
        var line = (await child.StandardOutput.ReadLineAsync() ?? "").Split(' ');
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        async Task<Cost> MeasureAsync(string model, int events) =>
            await StreamBenchmark.MeasureAsync(
                child,
                async () =>
                    await ReadStreamAsync(http, new Uri(new Uri(line[0]), "/v1/messages"), line[1], model, events));
        var rounds = Models.ToDictionary(model => model.Name, _ => new List<Cost>());
        // The first round makes connections and compiled code and does not count. The kinds take turns: the machine is
        // not always as fast.
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (name, model) in Models)
            {
                // The difference of two lengths is what events cost and requests do not.
                var (few, many) = (await MeasureAsync(model, ShortStream), await MeasureAsync(model, LongStream));
                const double more = (LongStream - ShortStream) * Streams;
                rounds[name]
                    .Add(new Cost((many.Microseconds - few.Microseconds) / more, (many.Bytes - few.Bytes) / more));
            }
        }

        child.StandardInput.Close();
        await child.WaitForExitAsync();
        Report(figures, [.. Models.Select(model => (model.Name, Median(rounds[model.Name][1..])))]);
    }

    private readonly record struct Cost(double Microseconds, double Bytes);

    private static Cost Median(List<Cost> rounds) =>
        new(
            MicroBenchmark.Median(rounds.Select(round => round.Microseconds)),
            MicroBenchmark.Median(rounds.Select(round => round.Bytes)));

    private static void Report(FigureBook figures, List<(string Name, Cost Cost)> costs)
    {
        Console.WriteLine("\nof the whole process, an event of a running stream");
        var passThrough = costs[0].Cost.Microseconds;
        foreach (var (name, cost) in costs)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {name,-24}{cost.Microseconds,6:0.0} µs of processor time, "
                        + $"{cost.Microseconds / passThrough:0.00} times the pass-through, {cost.Bytes:#,0} B "
                        + $"allocated"));
            if (name != costs[0].Name)
            {
                figures.Add(
                    $"{name}: processor time an event, x the pass-through",
                    cost.Microseconds / passThrough,
                    FigureKind.Bounded,
                    MostTimesPassThrough);
            }

            figures.Add($"{name}: bytes allocated an event, runtime and server included", cost.Bytes, FigureKind.Bytes);
        }
    }

    /// <summary>Of the child, for streams of so many events side by side.</summary>
    private static async Task<Cost> MeasureAsync(System.Diagnostics.Process child, Func<Task> readStream)
    {
        var (time, bytes) = await ReadAsync(child);
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => readStream()));
        var (timeAfter, bytesAfter) = await ReadAsync(child);
        return new Cost((timeAfter - time).TotalMicroseconds, bytesAfter - bytes);
    }

    private static async Task<(TimeSpan ProcessorTime, long Allocated)> ReadAsync(System.Diagnostics.Process child)
    {
        await child.StandardInput.WriteLineAsync();
        var allocated = long.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        child.Refresh();
        return (child.TotalProcessorTime, allocated);
    }

    private static async Task ReadStreamAsync(HttpMessageInvoker http, Uri url, string bearer, string model, int events)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(
                JsonSerializer.Serialize(
                    new
                    {
                        model,
                        max_tokens = events,
                        stream = true,
                        messages = new[] { new { role = "user", content = "hi" } }
                    }),
                Encoding.UTF8,
                "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        using var response = await http.SendAsync(request, CancellationToken.None);
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[4096];
        var last = "";
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0)
        {
            last = Encoding.UTF8.GetString(buffer, 0, read);
        }

        if (!last.Contains("message_stop", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"a stream of {model} ended with {(int)response.StatusCode}: {last}");
        }
    }

    private static async Task AnswerAsync(FakeExchange exchange)
    {
        var isBedrock = exchange.Request.Path.EndsWith("/invoke-with-response-stream", StringComparison.Ordinal);
        await exchange.StartAsync(
            200, ("content-type", isBedrock ? "application/vnd.amazon.eventstream" : "text/event-stream"));
        using var pace = new PeriodicTimer(Pace);
        // The request says how many it wants.
        var events = exchange.Request.Json.GetProperty("max_tokens").GetInt32();
        for (var i = 1; i < events; i++)
        {
            await exchange.WriteAsync(isBedrock ? Frame : SseEvent);
            await pace.WaitForNextTickAsync();
        }

        await exchange.WriteAsync(isBedrock ? FrameStop : SseStop);
        await exchange.EndAsync();
    }

    private static System.Diagnostics.Process StartChild(Uri upstream)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add("gateway");
        start.ArgumentList.Add(upstream.ToString());
        return System.Diagnostics.Process.Start(start)!;
    }
}
