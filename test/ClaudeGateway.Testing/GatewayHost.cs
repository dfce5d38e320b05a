using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Testing;

/// <summary>The whole gateway in this process, on a real port of its own, with its log captured.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private static readonly Dictionary<string, string> LocalTesting = new() { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" };

    private readonly GatewayApp _app;
    private readonly StderrLines _lines;
    private bool _isDisposed;

    private GatewayHost(GatewayApp app, GatewayConfig config, StderrLines lines, CapturedLog log)
    {
        _app = app;
        _lines = lines;
        Config = config;
        Log = log;
        Url = new Uri(app.Address);
        PublicUrl = config.Listen.PublicUrl ?? app.Address;
    }

    public GatewayConfig Config { get; }

    /// <summary>The gateway itself, for what only its owner may do.</summary>
    public GatewayApp App => _app;

    /// <summary>Where the gateway really listens.</summary>
    public Uri Url { get; }

    /// <summary>The origin developers see, without a trailing slash.</summary>
    public string PublicUrl { get; }

    public CapturedLog Log { get; }

    /// <summary>Every path the gateway answers at.</summary>
    public IReadOnlyList<string> Paths => _app.Paths;

    /// <summary>Sends nothing of its own, follows no redirect, keeps no cookie.</summary>
    public HttpMessageInvoker Http { get; } = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
    });

    /// <exception cref="OperatorException">The gateway does not start.</exception>
    public static async Task<GatewayHost> StartAsync(
        GatewayConfig config,
        TimeProvider? clock = null,
        IReadOnlyDictionary<string, string>? environment = null,
        LogLevel level = LogLevel.Debug)
    {
        clock ??= TimeProvider.System;
        var log = new CapturedLog();
        var lines = new StderrLines(log);
        try
        {
            var app = await GatewayApp.StartAsync(
                config,
                new ProcessEnvironment(environment ?? LocalTesting),
                clock,
                new AuditLog(lines, new GatewayMeter($"test.{Guid.NewGuid():N}"), clock),
                new OperationalLog(lines, clock, level),
                CancellationToken.None);
            return new GatewayHost(app, config, lines, log);
        }
        catch
        {
            lines.Dispose();
            throw;
        }
    }

    /// <summary>A browser that finds this gateway under its public URL.</summary>
    public BrowserClient NewBrowser()
    {
        var browser = new BrowserClient();
        browser.Map(PublicUrl, Url);
        return browser;
    }

    public Uri At(string path) => new(Url, path);

    /// <summary>Returns when the headers are there; the caller reads and disposes the body.</summary>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        // Handed to the response, which outlives this call.
        var request = new HttpRequestMessage(method, At(path)) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
    }

    public Task<HttpResponseMessage> GetAsync(string path, string? bearer = null) =>
        SendAsync(HttpMethod.Get, path, null, Bearer(bearer));

    public Task<HttpResponseMessage> PostJsonAsync(
        string path, object body, string? bearer = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, JsonBody(body), [.. Bearer(bearer), .. headers]);

    public Task<HttpResponseMessage> PostFormAsync(string path, params (string Name, string Value)[] fields) =>
        SendAsync(
            HttpMethod.Post, path, new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))));

    /// <summary>A small message to a model, streamed or whole.</summary>
    public Task<HttpResponseMessage> SendMessageAsync(
        string bearer,
        string model = "claude-sonnet-4-6",
        bool stream = false,
        params (string Name, string Value)[] headers)
    {
        var messages = new[] { new { role = "user", content = "hi" } };
        object body = stream
            ? new { model, max_tokens = 64, messages, stream }
            : new { model, max_tokens = 64, messages };
        return PostJsonAsync("/v1/messages", body, bearer, [("anthropic-version", "2023-06-01"), .. headers]);
    }

    /// <summary>Returns when no request is being served: what is measured at the end of one is measured.</summary>
    public async Task IdleAsync()
    {
        for (var waited = TimeSpan.Zero; _app.OpenRequests > 0; waited += TimeSpan.FromMilliseconds(5))
        {
            if (waited > Signal.Timeout)
            {
                throw new TimeoutException("requests go on and on");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
        {
            return;
        }

        Http.Dispose();
        await _app.StopAsync(TimeSpan.FromSeconds(1));
        await _app.DisposeAsync();
        _lines.Dispose();
        TestConfig.RemoveStore(Config);
    }

    private static (string Name, string Value)[] Bearer(string? bearer) =>
        bearer is null ? [] : [("Authorization", $"Bearer {bearer}")];

    private static ByteArrayContent JsonBody(object body)
    {
        var content = new ByteArrayContent(
            body as byte[] ?? Encoding.UTF8.GetBytes(body as string ?? JsonSerializer.Serialize(body)));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
