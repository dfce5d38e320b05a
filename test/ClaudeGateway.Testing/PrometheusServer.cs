using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>One series of an answer of Prometheus: its labels and its values by time (seconds since 1970).</summary>
internal sealed record PrometheusSeries(
    IReadOnlyDictionary<string, string> Labels, IReadOnlyList<(double Time, double Value)> Points);

/// <summary>
/// A Prometheus of a test's own that scrapes one gateway twice a second. It ends with the process that started it.
/// </summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private const int StartAttempts = 5;
    private const string NotFound = "no Prometheus found";

    // Ends with its standard input, which the system closes when the test process dies.
    private const string Script = $$"""
        set -eu
        command -v prometheus >/dev/null || { echo "{{NotFound}}" >&2; exit 1; }
        cd "$1"
        prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$2" &
        server=$!
        cat >/dev/null
        kill "$server"
        wait "$server" || true
        """;

    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler());

    /// <summary>Prometheus tells nobody when it has scraped.</summary>
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(200);

    private readonly System.Diagnostics.Process _process;
    private readonly TemporaryFolder _folder;
    private readonly string _url;

    private PrometheusServer(System.Diagnostics.Process process, TemporaryFolder folder, int port)
    {
        _process = process;
        _folder = folder;
        _url = $"http://127.0.0.1:{port}/api/v1/";
    }

    /// <param name="target">Host and port of what is scraped.</param>
    /// <param name="rules">A file of rules; null has none.</param>
    /// <exception cref="InvalidOperationException">Prometheus is not installed or does not start.</exception>
    public static async Task<PrometheusServer> StartAsync(string target, string? rules = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryStartAsync(target, rules);
            }
            catch (InvalidOperationException e)
                when (attempt < StartAttempts && e.Message.Contains("in use", StringComparison.Ordinal))
            {
                // Another process took the port between choosing and binding it.
            }
        }
    }

    /// <summary>Whether the failure to start means that this machine has no Prometheus.</summary>
    public static bool IsMissing(InvalidOperationException failure) =>
        failure.Message.Contains(NotFound, StringComparison.Ordinal);

    /// <summary>What a query says now.</summary>
    public async Task<IReadOnlyList<PrometheusSeries>> QueryAsync(string query) =>
        Series(await GetAsync($"query?query={Uri.EscapeDataString(query)}"), "value");

    /// <summary>What a query said at each moment, four times a second.</summary>
    public async Task<IReadOnlyList<PrometheusSeries>> RangeAsync(
        string query, DateTimeOffset from, DateTimeOffset to) =>
        Series(
            await GetAsync(
                $"query_range?query={Uri.EscapeDataString(query)}&start={Seconds(from)}&end={Seconds(to)}&step=0.25"),
            "values");

    /// <summary>The alerts that fire, each with its description.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FiringAsync()
    {
        var firing = new Dictionary<string, string>();
        foreach (var alert in (await GetAsync("alerts")).GetProperty("alerts").EnumerateArray())
        {
            if (alert.GetProperty("state").GetString() == "firing")
            {
                firing[alert.GetProperty("labels").GetProperty("alertname").GetString()!] =
                    alert.GetProperty("annotations").GetProperty("description").GetString()!;
            }
        }

        return firing;
    }

    /// <summary>Waits until it is so; the message of a failure tells what was there last.</summary>
    /// <exception cref="TimeoutException">It did not become so within <see cref="Signal.Timeout"/>.</exception>
    public static async Task UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isSo, Func<T, string> what)
    {
        for (var waited = Stopwatch.StartNew(); ;)
        {
            var answer = await ask();
            if (isSo(answer))
            {
                return;
            }

            if (waited.Elapsed > Signal.Timeout)
            {
                throw new TimeoutException(what(answer));
            }

            await Task.Delay(PollPeriod);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static async Task<PrometheusServer> TryStartAsync(string target, string? rules)
    {
        var port = Ports.Free();
        var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("rules.yml"), rules ?? "groups: []\n");
        await File.WriteAllTextAsync(folder.File("prometheus.yml"), $$"""
            global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }
            rule_files: [rules.yml]
            scrape_configs:
              - job_name: claude-gateway
                static_configs: [ { targets: ["{{target}}"] } ]
            """);
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true, RedirectStandardError = true };
        foreach (var argument in (string[])
            ["-c", Script, "sh", folder.Path, port.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        var process = System.Diagnostics.Process.Start(start)!;
        var said = "";
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            said += line + "\n";
            if (line.Contains("ready to receive web requests", StringComparison.Ordinal))
            {
                // What it goes on to say must not fill the pipe.
                _ = process.StandardError.ReadToEndAsync();
                return new PrometheusServer(process, folder, port);
            }

            if (line.Contains("level=error", StringComparison.Ordinal))
            {
                process.StandardInput.Close();
            }
        }

        process.Dispose();
        folder.Dispose();
        throw new InvalidOperationException($"Prometheus did not start: {said}");
    }

    private static string Seconds(DateTimeOffset time) =>
        (time.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);

    private static List<PrometheusSeries> Series(JsonElement data, string values) =>
        [.. data.GetProperty("result").EnumerateArray().Select(series => new PrometheusSeries(
            series.GetProperty("metric").EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString()!),
            values == "value" ? [Point(series.GetProperty(values))]
                : [.. series.GetProperty(values).EnumerateArray().Select(Point)]))];

    private static (double Time, double Value) Point(JsonElement pair) =>
        (pair[0].GetDouble(), Number(pair[1].GetString()!));

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private async Task<JsonElement> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _url + path);
        using var response = await Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return response.IsSuccessStatusCode
            ? json.GetProperty("data")
            : throw new InvalidOperationException($"{path}: {json}");
    }
}
