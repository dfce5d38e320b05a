using System.Data.Common;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>
/// Calls the webhook of <c>admin.alerts</c>: at once, and again with growing pauses for a day while it fails. Each call is signed
/// like Stripe's and GitHub's: <c>t=seconds,v1=hex(HMAC-SHA256(secret, seconds + "." + body))</c>.
/// </summary>
internal sealed class AlertSender(AlertsConfig config, SpendAlerts alerts, AlertStore store, HttpMessageInvoker http, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    public const string SignatureHeader = "x-claude-gateway-signature";

    private static readonly TimeSpan PollPeriod = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(1);

    private readonly CancellationTokenSource _stop = new();
    private TimeSpan _nextLook = PollPeriod;
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = LoopAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                try
                {
                    await QueueAsync();
                    foreach (var alert in await store.LeaseAsync())
                    {
                        await SendAsync(alert);
                    }
                }
                catch (Exception e) when (e is StoreUnavailableException or DbException)
                {
                    log.Debug($"alerts: waiting for the store: {e.Message}");
                    await Task.Delay(StorePause, clock, _stop.Token);
                }

                await WaitAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops; what is due waits in the store.
        }
    }

    /// <summary>Until something is noticed here, or something another replica could not deliver may be due.</summary>
    private async Task WaitAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(_nextLook);
        _nextLook = PollPeriod;
        await ((Task)alerts.Noticed.WaitToReadAsync(limit.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Token.ThrowIfCancellationRequested();
    }

    private async Task QueueAsync()
    {
        while (alerts.Noticed.TryRead(out var alert))
        {
            try
            {
                await store.AddAsync(alert);
            }
            catch (StoreUnavailableException)
            {
                alerts.Return(alert);
                throw;
            }
        }
    }

    private async Task SendAsync(PendingAlert alert)
    {
        var problem = await CallAsync(alert);
        if (problem is null)
        {
            await store.FinishAsync(alert.Id);
        }
        else if (clock.GetUtcNow() - alert.CreatedAt > GiveUpAfter)
        {
            log.Error($"alerts: gave up on {alert.Id} after {alert.Attempts} attempts: {problem}");
            await store.FinishAsync(alert.Id);
        }
        else
        {
            log.Warn($"alerts: {config.Url.IdnHost} did not take {alert.Id} (attempt {alert.Attempts}): {problem}");
            var pause = Pause(alert.Attempts);
            _nextLook = pause < _nextLook ? pause : _nextLook;
            await store.RetryAsync(alert.Id, pause);
        }
    }

    /// <summary>Null when the receiver took it.</summary>
    private async Task<string?> CallAsync(PendingAlert alert)
    {
        var body = Encoding.UTF8.GetBytes(alert.Body);
        using var request = new HttpRequestMessage(HttpMethod.Post, config.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        if (config.Secret is { } secret)
        {
            request.Headers.TryAddWithoutValidation(SignatureHeader, Sign(secret, clock.GetUtcNow(), body));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(CallTimeout);
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
}
