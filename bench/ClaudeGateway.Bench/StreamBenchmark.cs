using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>
/// Processor time of the gateway for one streamed event: of the Anthropic pass-through, of Bedrock's binary frames and of
/// a cloud's server-sent events, each event in a packet of its own. Exits 1 when Bedrock costs more than 1.5 times the
/// pass-through.
/// </summary>
internal static class StreamBenchmark
{
    private const int Streams = 50;
    private const int EventsPerStream = 150;
    private const int Rounds = 5;
    private const double TargetRatio = 1.5;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private static readonly string Delta = JsonSerializer.Serialize(new { type = "content_block_delta", index = 0, delta = new { type = "text_delta", text = "public static async Task<int> RunAsync(string[] args) => await" } });
    private static readonly byte[] SseEvent = Encoding.UTF8.GetBytes($"event: content_block_delta\ndata: {Delta}\n\n");
    private static readonly byte[] SseStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"u8.ToArray();
    private static readonly byte[] Frame = EventStreamFrames.Chunk(Delta);
    private static readonly byte[] FrameStop = EventStreamFrames.Chunk("""{"type":"message_stop"}""");

    public static async Task<int> RunAsync()
    {
        await using var upstream = new FakeServer(AnswerAsync);
        using var child = StartChild(upstream.Url);
        var line = (await child.StandardOutput.ReadLineAsync() ?? "").Split(' ');
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        var models = new[] { GatewayChild.AnthropicModel, GatewayChild.BedrockModel, GatewayChild.FoundryModel };
        var costs = models.ToDictionary(model => model, _ => new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var model in models)
            {
                var cost = await MeasureAsync(child, http, new Uri(new Uri(line[0]), "/v1/messages"), line[1], model);
                if (round > 0)
                {
                    // The first round only warms up.
                    costs[model].Add(cost);
                }
            }
        }

        child.StandardInput.Close();
        await child.WaitForExitAsync();
        return Report(Median(costs[models[0]]), Median(costs[models[1]]), Median(costs[models[2]]));
    }

    private static int Report(double anthropic, double bedrock, double foundry)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Anthropic pass-through  {anthropic:F1} µs of processor time per event"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Bedrock frames          {bedrock:F1} µs, {bedrock / anthropic:F2} times the pass-through (target: at most {TargetRatio:F1})"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cloud SSE               {foundry:F1} µs, {foundry / anthropic:F2} times the pass-through"));
        return bedrock <= TargetRatio * anthropic ? 0 : 1;
    }

    /// <summary>Microseconds of the child's processor time per event.</summary>
    private static async Task<double> MeasureAsync(Process child, HttpMessageInvoker http, Uri url, string bearer, string model)
    {
        child.Refresh();
        var before = child.TotalProcessorTime;
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => ReadStreamAsync(http, url, bearer, model)));
        child.Refresh();
        return (child.TotalProcessorTime - before).TotalMicroseconds / (Streams * EventsPerStream);
    }

    private static async Task ReadStreamAsync(HttpMessageInvoker http, Uri url, string bearer, string model)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(JsonSerializer.Serialize(new { model, max_tokens = 64, stream = true, messages = new[] { new { role = "user", content = "hi" } } }), Encoding.UTF8, "application/json"),
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
        await exchange.StartAsync(200, ("content-type", isBedrock ? "application/vnd.amazon.eventstream" : "text/event-stream"));
        using var pace = new PeriodicTimer(Pace);
        for (var i = 1; i < EventsPerStream; i++)
        {
            await exchange.WriteAsync(isBedrock ? Frame : SseEvent);
            await pace.WaitForNextTickAsync();
        }

        await exchange.WriteAsync(isBedrock ? FrameStop : SseStop);
        await exchange.EndAsync();
    }

    private static Process StartChild(Uri upstream)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("gateway");
        start.ArgumentList.Add(upstream.ToString());
        return Process.Start(start)!;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
