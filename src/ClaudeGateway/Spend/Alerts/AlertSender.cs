using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>
/// Calls the webhook of <c>admin.alerts</c>: at once, and again with growing pauses for a day while it fails. Each call
/// is signed like Stripe's and GitHub's: <c>t=seconds,v1=hex(HMAC-SHA256(secret, seconds + "." + body))</c>. One for
/// the process: another configuration is put in its place at once, and a call to the receiver before is given up.
/// </summary>
internal sealed class AlertSender(
    SpendAlerts alerts, AlertStore store, HttpMessageInvoker http, TimeProvider clock, OperationalLog log)
    : IAsyncDisposable
{
    public const string SignatureHeader = "x-claude-gateway-signature";

    /// <summary>What one call may take.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan PollPeriod = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(1);

    private readonly CancellationTokenSource _stop = new();
    private BackgroundLoop? _loop;
    private Receiver? _receiver;
    private TimeSpan _nextLook = PollPeriod;
    private bool _hasFailed;

    public void Start() => _loop = BackgroundLoop.Start(WaitAsync, RoundAsync, "alerts: those that are due wait", log);

    /// <summary>From now on only this receiver is called; null calls nobody.</summary>
    public void Use(AlertsConfig? config)
    {
        var receiver = config is null ? null : new Receiver(config);
        Interlocked.Exchange(ref _receiver, receiver)?.Leave();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await (_loop?.DisposeAsync() ?? ValueTask.CompletedTask);
        _stop.Dispose();
    }

    /// <summary>Until something is noticed here, or something another replica could not deliver may be due.</summary>
    private async Task WaitAsync(CancellationToken stop)
    {
        if (_hasFailed)
        {
            await Task.Delay(FailurePause, clock, stop);
        }

        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var noticed = alerts.Noticed.WaitToReadAsync(wait.Token).AsTask();
        await Task.WhenAny(noticed, Task.Delay(_nextLook, clock, wait.Token));
        await wait.CancelAsync();
        stop.ThrowIfCancellationRequested();
        _nextLook = PollPeriod;
    }

    private async Task RoundAsync()
    {
        _hasFailed = true;
        try
        {
            await QueueAsync();
            List<PendingAlert> leased;
            do
            {
                leased = _receiver is null ? [] : await store.LeaseAsync();
                foreach (var alert in leased)
                {
                    await SendAsync(alert);
                }
            }
            while (leased.Count == AlertStore.MaxLeased);
            _hasFailed = false;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The gateway stops; what is due waits in the store.
        }
    }

    private async Task QueueAsync()
    {
        while (alerts.Noticed.TryRead(out var alert))
        {
            if (_receiver is null)
            {
                // Noticed before nobody was to be told any more.
                continue;
            }

            try
            {
                await store.AddAsync(alert);
            }
            catch
            {
                alerts.Return(alert);
                throw;
            }
        }
    }

    private async Task SendAsync(PendingAlert alert)
    {
        if (Volatile.Read(ref _receiver) is not { } receiver)
        {
            return;
        }

        var problem = await CallAsync(receiver, alert);
        if (problem is null)
        {
            await store.FinishAsync(alert.Id);
        }
        else if (receiver.IsLeft)
        {
            // Not its fault: whoever is in its place is called instead.
            _nextLook = TimeSpan.Zero;
            await store.RetryAsync(alert.Id, TimeSpan.Zero);
        }
        else if (clock.GetUtcNow() - alert.CreatedAt > GiveUpAfter)
        {
            log.Error($"alerts: gave up on {alert.Id} after {alert.Attempts} attempts: {problem}");
            await store.FinishAsync(alert.Id);
        }
        else
        {
            var host = receiver.Config.Url.IdnHost;
            log.Warn($"alerts: {host} did not take {alert.Id} (attempt {alert.Attempts}): {problem}");
            var pause = Pause(alert.Attempts);
            _nextLook = pause < _nextLook ? pause : _nextLook;
            await store.RetryAsync(alert.Id, pause);
        }
    }

    /// <summary>Null when the receiver took it.</summary>
    private async Task<string?> CallAsync(Receiver receiver, PendingAlert alert)
    {
        var body = Encoding.UTF8.GetBytes(alert.Body);
        using var request = new HttpRequestMessage(HttpMethod.Post, receiver.Config.Url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        if (receiver.Config.Secret is { } secret)
        {
            request.Headers.TryAddWithoutValidation(SignatureHeader, Sign(secret, clock.GetUtcNow(), body));
        }

        using var patience = new CancellationTokenSource(CallTimeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, receiver.Left, patience.Token);
        try
        {
            using var response = await http.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return "no answer in time";
        }
    }

    internal static string Sign(Secret secret, DateTimeOffset time, ReadOnlySpan<byte> body)
    {
        var seconds = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes(seconds + "."), .. body];
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret.Reveal()), signed);
        return $"t={seconds},v1={Convert.ToHexStringLower(mac)}";
    }

    private static TimeSpan Pause(int attempts)
    {
        var pause = TimeSpan.FromSeconds(5 * Math.Pow(2, Math.Min(attempts - 1, 20)));
        return pause < MaxPause ? pause : MaxPause;
    }

    /// <summary>A configuration, and that another one has taken its place.</summary>
#pragma warning disable CA1001 // Its source has no timer, and a call may begin at the moment the receiver is left.
    private sealed class Receiver(AlertsConfig config)
#pragma warning restore CA1001
    {
        private readonly CancellationTokenSource _left = new();

        public AlertsConfig Config { get; } = config;

        public CancellationToken Left => _left.Token;

        public bool IsLeft => _left.IsCancellationRequested;

        public void Leave() => _left.Cancel();
    }
}
