using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Process;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// Sends one export to one collector: the client's body, Content-Type and Content-Encoding, and the destination's own
/// headers. Nothing else of the client's request goes on.
/// </summary>
internal sealed class OtlpSender
{
    /// <summary>For one export.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>What an export without Content-Type is taken for: it is the protocol pushed to clients.</summary>
    private const string Protobuf = "application/x-protobuf";

    /// <summary>They frame the message: this gateway's to set.</summary>
    private static readonly string[] Framing = ["content-length", "transfer-encoding", "connection"];

    private readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase);
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _clock;
    private readonly Uri[] _urls;
    private readonly AuthorizeExport? _authorize;

    public OtlpSender(
        TelemetryDestination config, AuthorizeExport? authorize, HttpMessageInvoker http, TimeProvider clock)
    {
        foreach (var (name, value) in config.Headers.Where(
            h => !Framing.Contains(h.Key, StringComparer.OrdinalIgnoreCase)))
        {
            _headers[name] = value.Reveal();
        }

        _http = http;
        _clock = clock;
        var basePath = config.Url.AbsolutePath.TrimEnd('/');
        _urls = [
            .. OtlpSignals.All.Select(
                signal => new UriBuilder(config.Url) { Path = basePath + OtlpSignals.Path(signal) }.Uri)];
        _authorize = authorize;
    }

    /// <summary>Never throws for what a collector or the network does.</summary>
    public async Task<OtlpAnswer> SendAsync(OtlpExport export, CancellationToken stopped)
    {
        try
        {
            using var timeout = new CancellationTokenSource(Timeout, _clock);
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopped);
            using var request = await CreateAsync(export, cancellation.Token);
            using var response = await _http.SendAsync(request, cancellation.Token);
            return Judge(response);
        }
        catch (OperationCanceledException)
        {
            return new OtlpAnswer(
                false, IsFailure: true, IsRetryable: false, $"no answer within {Timeout.TotalSeconds:0} s");
        }
        catch (HttpRequestException e)
        {
            return new OtlpAnswer(
                false,
                IsFailure: true,
                IsRetryable: true,
                e.HttpRequestError == HttpRequestError.Unknown ? "no answer" : e.HttpRequestError.ToString());
        }
        // Credential libraries throw whatever their HTTP, JSON and cryptography throw: all of it means "no token now".
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new OtlpAnswer(false, IsFailure: true, IsRetryable: true, e.Message);
        }
    }

    private static OtlpAnswer Judge(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return new OtlpAnswer(
            response.IsSuccessStatusCode,
            status is (>= 300 and < 400) or >= 500,
            RetryPolicy.IsRetryable(response.StatusCode),
            $"status {status}",
            response.Headers.RetryAfter);
    }

    private async Task<HttpRequestMessage> CreateAsync(OtlpExport export, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _urls[(int)export.Signal])
        {
            Content = new ByteArrayContent(export.Body),
        };
        foreach (var (name, value) in _headers)
        {
            Add(request, name, value);
        }

        AddUnlessConfigured(request, "Content-Type", export.ContentType ?? Protobuf);
        AddUnlessConfigured(request, "Content-Encoding", export.ContentEncoding);
        AddUnlessConfigured(request, "User-Agent", "claude-gateway/" + GatewayVersion.Text);

        if (_authorize is not null)
        {
            await _authorize(request, export.Body, cancellation);
        }

        return request;
    }

    private void AddUnlessConfigured(HttpRequestMessage request, string name, string? value)
    {
        if (value is not null && !_headers.ContainsKey(name))
        {
            Add(request, name, value);
        }
    }

    private static void Add(HttpRequestMessage request, string name, string value)
    {
        if (!request.Headers.TryAddWithoutValidation(name, value))
        {
            request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
