using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Net;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Sources;

/// <summary>
/// gateway.yaml at a URL: fetched whole or not at all, within <see cref="Patience"/> and no larger than a file may be.
/// Redirects are not followed: who asks would be proven to somebody else.
/// </summary>
internal sealed partial class RemoteConfig : IDisposable
{
    /// <summary>Of one fetch, its credential included.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Before the second try of a gateway that starts, the third and the fourth.</summary>
    private static readonly TimeSpan[] Pauses =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4)];

    private const int MaxETagLength = 1024;
    private const int MaxErrorBytes = 4096;

    private readonly ConfigUrl _url;
    private readonly ConfigTarget _target;
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _clock;
    private readonly OwnedConnections? _owned;

    /// <param name="http">Asks for the configuration, not for credentials.</param>
    public RemoteConfig(ConfigUrl url, ConfigTarget target, HttpMessageInvoker http, TimeProvider clock)
        : this(url, target, http, clock, null)
    {
    }

    private RemoteConfig(
        ConfigUrl url, ConfigTarget target, HttpMessageInvoker http, TimeProvider clock, OwnedConnections? owned)
    {
        _url = url;
        _target = target;
        _http = http;
        _clock = clock;
        _owned = owned;
    }

    /// <summary>As messages and audit events name it.</summary>
    public string Name => _url.Name;

    /// <exception cref="OperatorException">It is no URL that a configuration can be fetched from, or the environment
    /// lacks what that takes.</exception>
    public static RemoteConfig Open(string url, ProcessEnvironment environment, TimeProvider clock)
    {
        var parsed = ConfigUrl.Read(url);
        var owned = new OwnedConnections(clock);
        try
        {
            var outbound = owned.Add(environment);
            var target = ConfigTarget.Of(parsed, environment, new CredentialHttp(outbound, clock), clock);
            // Who starts the gateway may well mean this machine; what a configuration names may not.
            var own = AddressRules.IsLoopbackHost(target.Address.IdnHost)
                ? owned.Add(environment.ForOwnMachine()) : outbound;
            var http = own.CreateClient(new OutboundOptions { ProxiedNames = ProxiedNames.Unresolved });
            return new RemoteConfig(parsed, target, http, clock, owned);
        }
        catch
        {
            owned.Dispose();
            throw;
        }
    }

    /// <summary>For a gateway that starts: what passes by itself is tried again, a few times.</summary>
    /// <exception cref="ConfigFetchException">There is no configuration.</exception>
    public async Task<FetchedConfig> FetchAtStartAsync(CancellationToken cancellation)
    {
        foreach (var pause in Pauses)
        {
            try
            {
                return (await FetchAsync(null, cancellation))!;
            }
            catch (ConfigFetchException e) when (e.IsPassing)
            {
                await Task.Delay(pause, _clock, cancellation);
            }
        }

        return (await FetchAsync(null, cancellation))!;
    }

    /// <summary>The configuration as it is now.</summary>
    /// <param name="known">What is here already; null asks for all of it in any case.</param>
    /// <returns>Null when the server says that it is still <paramref name="known"/>.</returns>
    /// <exception cref="ConfigFetchException">It cannot be had, or not whole.</exception>
    public async Task<FetchedConfig?> FetchAsync(FetchedConfig? known, CancellationToken cancellation)
    {
        using var limit = new Deadline(Patience, _clock, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _target.Address);
            request.Headers.TryAddWithoutValidation("User-Agent", "claude-gateway/" + GatewayVersion.Text);
            if (known?.ETag is { } etag)
            {
                request.Headers.TryAddWithoutValidation("If-None-Match", etag);
            }

            await _target.Authorize(request, limit.Token);
            using var response = await _http.SendAsync(request, limit.Token);
            if (response.StatusCode == HttpStatusCode.NotModified && known?.ETag is not null)
            {
                return null;
            }

            return response.StatusCode == HttpStatusCode.OK
                ? new FetchedConfig(Name, await ReadAsync(response, limit.Token), ETagOf(response))
                : throw await RefusalAsync(response, limit.Token);
        }
        catch (OperationCanceledException e) when (limit.IsOver)
        {
            throw Trouble($"no whole answer within {Patience.TotalSeconds} s", isPassing: true, e);
        }
        catch (UpstreamUnavailableException e)
        {
            throw new ConfigFetchException($"{Name}: no credential: {e.Message}", e)
            {
                IsPassing = true,
                Kind = "credential",
            };
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Trouble(Words(e), !OutboundRefusedException.IsCauseOf(e), e);
        }
    }

    public void Dispose() => _owned?.Dispose();

    /// <summary>A body without an end of its own is not known to be whole.</summary>
    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var headers = response.Content.Headers;
        if (headers.ContentEncoding.Count > 0)
        {
            throw Trouble("the answer is compressed: store the configuration as it is", isPassing: false);
        }

        if (headers.ContentLength is null && response.Headers.TransferEncodingChunked is not true)
        {
            throw Trouble(
                "the answer does not say how long it is, so nobody knows whether it is whole", isPassing: false);
        }

        if (headers.ContentLength > GatewayConfigReader.MaxBytes)
        {
            throw TooLarge();
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        using var bytes = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        // The client itself fails where the body ends before its length, or before its last chunk.
        while ((read = await body.ReadAsync(buffer, cancellation)) > 0)
        {
            if (bytes.Length + read > GatewayConfigReader.MaxBytes)
            {
                throw TooLarge();
            }

            await bytes.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }

        return bytes.ToArray();
    }

    private async Task<ConfigFetchException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var code = await ErrorCodeAsync(response, cancellation);
        var said = $"answered {status}{(code is null ? "" : " " + code)}";
        var region = _url.Store == ConfigStore.S3
            && response.Headers.NonValidated.TryGetValues("x-amz-bucket-region", out var elsewhere)
            && RegionName().IsMatch(elsewhere.ToString())
            ? elsewhere.ToString() : null;
        var advice = status switch
        {
            301 or 307 or 400 when region is not null => $"; the bucket is in {region}: append ?region={region}",
            304 => " without having been told of a version",
            >= 300 and < 400 => "; redirects are not followed: name the address it leads to",
            401 or 403 when _target.Grant is { } grant => $"; the identity of the gateway needs {grant}",
            _ => "",
        };
        return new ConfigFetchException($"{Name} {said}{advice}")
        {
            IsPassing = status is 408 or 429 or >= 500,
            Kind = $"{status}",
        };
    }

    /// <summary>S3, Google Storage and Azure Blob say in the same form of XML what is wrong.</summary>
    private async Task<string?> ErrorCodeAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (_url.Store == ConfigStore.Web)
        {
            return null;
        }

        var buffer = new byte[MaxErrorBytes];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            return ErrorCode().Match(Encoding.UTF8.GetString(buffer, 0, length)) is { Success: true } match
                ? match.Groups[1].Value : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    private static string? ETagOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("ETag", out var values) && values.Count == 1
        && values.ToString() is { Length: > 0 and <= MaxETagLength } etag
        && !etag.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? etag
            : null;

    /// <summary>What happened, not only that a connection failed: certificates say it one level deeper.</summary>
    private static string Words(Exception e) =>
        e.InnerException is System.Security.Authentication.AuthenticationException inner
            ? $"{e.Message} {inner.Message}" : e.Message;

    private ConfigFetchException TooLarge() =>
        Trouble($"larger than {GatewayConfigReader.MaxBytes / 1024 / 1024} MiB", isPassing: false);

    private ConfigFetchException Trouble(string text, bool isPassing, Exception? inner = null) =>
        new($"{Name}: {text}", inner!) { IsPassing = isPassing, Kind = isPassing ? "away" : text };

    [GeneratedRegex("<Code>([A-Za-z0-9]{1,64})</Code>", RegexOptions.CultureInvariant)]
    private static partial Regex ErrorCode();

    [GeneratedRegex(@"^[a-z]{2,}(-[a-z0-9]+)+\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegionName();

    /// <summary>
    /// Connections for this alone: the process has its own once a configuration is read, and then says what is odd
    /// about the environment.
    /// </summary>
    private sealed class OwnedConnections(TimeProvider clock) : IDisposable
    {
        private readonly List<OutboundHttp> _all = [];
        private readonly StderrLines _silent = new(Stream.Null);

        public OutboundHttp Add(ProcessEnvironment environment)
        {
            var outbound = new OutboundHttp(environment, new OperationalLog(_silent, clock, LogLevel.Error));
            _all.Add(outbound);
            return outbound;
        }

        public void Dispose()
        {
            _all.ForEach(outbound => outbound.Dispose());
            _silent.Dispose();
        }
    }
}
