using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;

namespace ClaudeGateway.Credentials;

/// <summary>
/// Workload identity federation: exchanges the token a platform puts into a file for an Anthropic access token
/// (RFC 7523 grant; spec/inference.md, Federation). One exchange serves all who wait for it.
/// </summary>
internal sealed class FederationTokens
{
    /// <summary>A token this close to its end is renewed, while requests still go out with it.</summary>
    private static readonly TimeSpan RenewalLead = TimeSpan.FromSeconds(120);

    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly AnthropicAuth.Federation _config;
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _clock;
    private readonly Uri _endpoint;
    private readonly CredentialCache<string> _cache;

    public FederationTokens(AnthropicAuth.Federation config, string origin, HttpMessageInvoker http, TimeProvider clock)
    {
        _config = config;
        _http = http;
        _clock = clock;
        _endpoint = new Uri(origin + "/v1/oauth/token");
        _cache = new CredentialCache<string>(FetchAsync, clock);
    }

    /// <exception cref="UpstreamUnavailableException">The exchange failed.</exception>
    public ValueTask<string> GetAsync(CancellationToken cancellation) => _cache.GetAsync(cancellation);

    /// <summary>A token other than <paramref name="refused"/>, which the upstream did not take.</summary>
    /// <exception cref="UpstreamUnavailableException">The exchange failed.</exception>
    public ValueTask<string> RenewAsync(string refused, CancellationToken cancellation) =>
        _cache.GetOtherAsync(refused, cancellation);

    private async Task<Lease<string>> FetchAsync(CancellationToken cancellation)
    {
        try
        {
            return await RequestTokenAsync(cancellation);
        }
        catch (Exception e)
            when (
                e is IOException or UnauthorizedAccessException or HttpRequestException or JsonException
                or OperationCanceledException)
        {
            throw new UpstreamUnavailableException($"federation token: {e.Message}", e);
        }
    }

    private async Task<Lease<string>> RequestTokenAsync(CancellationToken cancellation)
    {
        // Read again each time: platforms rotate the file.
        var assertion = (await File.ReadAllTextAsync(_config.IdentityTokenFile, cancellation)).Trim();
        if (assertion.Length == 0)
        {
            throw new UpstreamUnavailableException($"federation token: {_config.IdentityTokenFile} is empty");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint)
        {
            Content = new ReadOnlyMemoryContent(Body(assertion)),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Headers.TryAddWithoutValidation("anthropic-beta", "oauth-2025-04-20,oidc-federation-2026-04-01");
        var asked = _clock.GetUtcNow();
        using var response = await _http.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            throw new UpstreamUnavailableException(
                $"federation token: the exchange at {_endpoint} was answered {(int)response.StatusCode}");
        }

        await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, cancellation);
        var body = await response.Content.ReadAsStreamAsync(cancellation);
        using var answer = await JsonDocument.ParseAsync(body, default, cancellation);
        return ReadToken(answer.RootElement, asked);
    }

    /// <summary>RFC 6749 section 5.1; a token of a type we cannot use is none (section 7.1).</summary>
    private static Lease<string> ReadToken(JsonElement answer, DateTimeOffset asked)
    {
        if (answer.Text("access_token") is not { } value || !AccessToken.IsUsable(value))
        {
            throw new UpstreamUnavailableException("federation token: the answer has no usable access_token");
        }

        if (answer.TryGetProperty("token_type", out var type) && type.ValueKind != JsonValueKind.Null
            && !"Bearer".Equals(type.Text(), StringComparison.OrdinalIgnoreCase))
        {
            throw new UpstreamUnavailableException("federation token: the answer's token_type is not Bearer");
        }

        if (!answer.TryGetProperty("expires_in", out var expires) || Seconds(expires) is not { } seconds)
        {
            throw new UpstreamUnavailableException("federation token: the answer does not say when the token expires");
        }

        var end = asked + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 86_400));
        return new Lease<string>(value, end) { RenewalLead = RenewalLead };
    }

    /// <summary>Some token services write the number as a string, or nothing for "at once".</summary>
    private static double? Seconds(JsonElement expires) => expires.ValueKind switch
    {
        JsonValueKind.Number => expires.TryGetDouble(out var number) ? number : null,
        JsonValueKind.Null => 0,
        JsonValueKind.String when string.IsNullOrWhiteSpace(expires.Text() ?? "?") => 0,
        JsonValueKind.String
            when double.TryParse(expires.Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && double.IsFinite(seconds) => seconds,
        _ => null,
    };

    private ReadOnlyMemory<byte> Body(string assertion)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            json.WriteString("assertion", assertion);
            json.WriteString("federation_rule_id", _config.FederationRuleId);
            json.WriteString("organization_id", _config.OrganizationId);
            if (_config.ServiceAccountId is not null)
            {
                json.WriteString("service_account_id", _config.ServiceAccountId);
            }

            if (_config.WorkspaceId is not null)
            {
                json.WriteString("workspace_id", _config.WorkspaceId);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
