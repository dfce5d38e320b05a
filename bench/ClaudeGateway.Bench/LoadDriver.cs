using System.Diagnostics;
using System.Net.Http.Headers;

namespace ClaudeGateway.Bench;

/// <summary>
/// Sends requests at a constant rate whatever becomes of the earlier ones (open loop), and counts each latency from the
/// moment its request was due: one that had to wait behind a stall shows the stall (no "coordinated omission").
/// </summary>
internal sealed class LoadDriver(HttpMessageInvoker http, Uri url, string bearer, LoadScenario scenario)
{
    /// <summary>
    /// How late the pacer may wake without it being anybody's fault: then latency counts from when it woke.
    /// </summary>
    private static readonly TimeSpan WakeUp = TimeSpan.FromMilliseconds(2);

    private readonly byte[] _body = scenario.Body();
    private readonly long _answerBytes = scenario.Answer().Sum(part => (long)part.Length);
    private int _errors;

    /// <summary>Latencies to the first byte of the body.</summary>
    public LatencyHistogram FirstByte { get; } = new();

    /// <summary>Latencies to the last byte.</summary>
    public LatencyHistogram End { get; } = new();

    public int Errors => _errors;

    public string? FirstError { get; private set; }

    /// <summary>Returns when every answer has ended. The requests sent.</summary>
    public int Run(TimeSpan duration)
    {
        var sent = new Task[(int)(scenario.Rate * duration.TotalSeconds)];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < sent.Length; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / scenario.Rate);
            TimeSpan now;
            while ((now = Stopwatch.GetElapsedTime(start)) < due)
            {
                Thread.Sleep(1);
            }

            sent[i] = SendAsync(start + (long)((now - due < WakeUp ? now : due).TotalSeconds * Stopwatch.Frequency));
        }

        Task.WaitAll(sent);
        return sent.Length;
    }

    private async Task SendAsync(long due)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(_body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
            using var response = await http.SendAsync(request, CancellationToken.None);
            await ReadAsync(response, due);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            Fail(e.Message);
        }
    }

    private async Task ReadAsync(HttpResponseMessage response, long due)
    {
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[4096];
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0; total += read)
        {
            if (total == 0)
            {
                FirstByte.Add(Stopwatch.GetElapsedTime(due));
            }
        }

        End.Add(Stopwatch.GetElapsedTime(due));
        if (!response.IsSuccessStatusCode || total != _answerBytes)
        {
            Fail($"{(int)response.StatusCode} with {total} of {_answerBytes} bytes");
        }
    }

    private void Fail(string message)
    {
        Interlocked.Increment(ref _errors);
        FirstError ??= message;
    }
}
