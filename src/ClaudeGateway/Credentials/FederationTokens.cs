using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Config;

namespace ClaudeGateway.Credentials;

/// <summary>
/// Workload identity federation: exchanges the token a platform puts into a file for an Anthropic access token
/// (RFC 7523 grant; spec/inference.md, Federation). One exchange serves all who wait for it.
/// </summary>
internal sealed class FederationTokens(AnthropicAuth.Federation config, string origin, HttpMessageInvoker http, TimeProvider clock)
{
    /// <summary>A token this close to its end is renewed, while requests still go out with it.</summary>
    private static readonly TimeSpan RenewalLead = TimeSpan.FromSeconds(120);

    /// <summary>A token this close to its end is not started with.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ExchangeTimeout = TimeSpan.FromSeconds(30);
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly Uri _endpoint = new(origin + "/v1/oauth/token");
    private readonly Lock _lock = new();
    private AccessToken? _current;
    private Task<AccessToken>? _exchange;

    /// <exception cref="UpstreamUnavailableException">The exchange failed.</exception>
    public async Task<string> GetAsync(CancellationToken cancellation)
    {
        var current = _current;
        var now = clock.GetUtcNow();
        if (current is not null && now < current.ExpiresAt - Margin)
        {
            if (now >= current.ExpiresAt - RenewalLead)
            {
                _ = Exchange(null);
            }

            return current.Value;
        }

        return (await Exchange(null).WaitAsync(cancellation)).Value;
    }

    /// <summary>A token other than <paramref name="refused"/>, which the upstream did not take.</summary>
    /// <exception cref="UpstreamUnavailableException">The exchange failed.</exception>
    public async Task<string> RenewAsync(string refused, CancellationToken cancellation) =>
        (await Exchange(refused).WaitAsync(cancellation)).Value;

    /// <summary>Joins the exchange under way or starts one. It has a timeout of its own: the client who started it may leave while others wait.</summary>
    private Task<AccessToken> Exchange(string? refused)
    {
        lock (_lock)
        {
            if (refused is not null && _current is { } current && current.Value != refused && clock.GetUtcNow() < current.ExpiresAt - Margin)
            {
                return Task.FromResult(current);
            }

            return _exchange ??= Task.Run(RunExchangeAsync);
        }
    }

    private async Task<AccessToken> RunExchangeAsync()
    {
        try
        {
            var token = await RequestTokenAsync();
            _current = token;
            return token;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException or JsonException or OperationCanceledException)
        {
            throw new UpstreamUnavailableException($"federation token: {e.Message}", e);
        }
        finally
        {
            lock (_lock)
            {
                _exchange = null;
            }
        }
    }

    private async Task<AccessToken> RequestTokenAsync()
    {
        using var timeout = new CancellationTokenSource(ExchangeTimeout, clock);
        // Read again each time: platforms rotate the file.
        var assertion = (await File.ReadAllTextAsync(config.IdentityTokenFile, timeout.Token)).Trim();
        if (assertion.Length == 0)
        {
            throw new UpstreamUnavailableException($"federation token: {config.IdentityTokenFile} is empty");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = new ReadOnlyMemoryContent(Body(assertion)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Headers.TryAddWithoutValidation("anthropic-beta", "oauth-2025-04-20,oidc-federation-2026-04-01");
        var asked = clock.GetUtcNow();
        using var response = await http.SendAsync(request, timeout.Token);
        if (!response.IsSuccessStatusCode)
        {
            throw new UpstreamUnavailableException($"federation token: the exchange at {_endpoint} was answered {(int)response.StatusCode}");
        }

        await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, timeout.Token);
        using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(timeout.Token), default, timeout.Token);
        return ReadToken(answer.RootElement, asked);
    }

    /// <summary>RFC 6749 section 5.1; a token of a type we cannot use is none (section 7.1).</summary>
    private static AccessToken ReadToken(JsonElement answer, DateTimeOffset asked)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("access_token", out var token) || token.ValueKind != JsonValueKind.String || token.GetString() is not { Length: > 0 } value)
        {
            throw new UpstreamUnavailableException("federation token: the answer has no access_token");
        }

        if (answer.TryGetProperty("token_type", out var type) && type.ValueKind != JsonValueKind.Null
            && !(type.ValueKind == JsonValueKind.String && "Bearer".Equals(type.GetString(), StringComparison.OrdinalIgnoreCase)))
        {
            throw new UpstreamUnavailableException("federation token: the answer's token_type is not Bearer");
        }

        if (!answer.TryGetProperty("expires_in", out var expires) || Seconds(expires) is not { } seconds)
        {
            throw new UpstreamUnavailableException("federation token: the answer does not say when the token expires");
        }

        return new AccessToken(value, asked + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 86_400)));
    }

    /// <summary>Some token services write the number as a string, or nothing for "at once".</summary>
    private static double? Seconds(JsonElement expires) => expires.ValueKind switch
    {
        JsonValueKind.Number => expires.GetDouble(),
        JsonValueKind.Null => 0,
        JsonValueKind.String when string.IsNullOrWhiteSpace(expires.GetString()) => 0,
        JsonValueKind.String when double.TryParse(expires.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds) => seconds,
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
            json.WriteString("federation_rule_id", config.FederationRuleId);
            json.WriteString("organization_id", config.OrganizationId);
            if (config.ServiceAccountId is not null)
            {
                json.WriteString("service_account_id", config.ServiceAccountId);
            }

            if (config.WorkspaceId is not null)
            {
                json.WriteString("workspace_id", config.WorkspaceId);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private sealed record AccessToken(string Value, DateTimeOffset ExpiresAt);
}
