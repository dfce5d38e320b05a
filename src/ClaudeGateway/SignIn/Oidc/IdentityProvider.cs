using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Threading.RateLimiting;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>What the IdP's token endpoint answered: a closed set.</summary>
internal abstract record TokenEndpointAnswer
{
    /// <summary>Tokens were issued.</summary>
    internal sealed record Granted(string? IdToken, string? AccessToken, string? RefreshToken) : TokenEndpointAnswer;

    /// <summary>
    /// The IdP refused; <paramref name="Error"/> is the code of RFC 6749 section 5.2 or null when it sent none.
    /// </summary>
    internal sealed record Refused(int Status, string? Error) : TokenEndpointAnswer
    {
        public string Reason => $"the IdP's token endpoint answered {Status} {Error ?? "without an OAuth error"}";
    }

    /// <summary>No usable answer.</summary>
    /// <param name="IsFinal">Whether none can come: the gateway refuses to ask there.</param>
    internal sealed record Unavailable(string Reason, bool IsFinal) : TokenEndpointAnswer;
}

/// <summary>
/// The company's identity provider: the gateway is its OpenID Connect relying party (code flow with PKCE).
/// </summary>
internal sealed class IdentityProvider : IDisposable
{
    /// <summary>
    /// Refresh tokens that the gateway did not seal and may be anybody's invention, with the IdP at one time.
    /// </summary>
    private const int MaxForeignRefreshes = 10;

    private readonly OidcConfig _config;
    private readonly ConcurrencyLimiter _foreignRefreshes =
        new(new ConcurrencyLimiterOptions { PermitLimit = MaxForeignRefreshes, QueueLimit = 0 });
    private readonly OutboundHttp _connections;
    private readonly IdpHttp _http;
    private readonly ClientAssertion? _assertion;
    private readonly ClientAuthentication _authentication;
    private readonly KeySet _keys;
    private readonly IdTokenValidator _idTokens;

    private IdentityProvider(
        OidcConfig config, ProviderMetadata metadata, OutboundHttp connections, IdpHttp http,
        ClientAssertion? assertion, TimeProvider clock)
    {
        _config = config;
        Metadata = metadata;
        _connections = connections;
        _http = http;
        _assertion = assertion;
        _authentication = new ClientAuthentication(config, metadata, assertion);
        _keys = new KeySet(http, metadata.JwksUri, clock);
        _idTokens = new IdTokenValidator(config, metadata.Issuer, _keys, clock);
    }

    public ProviderMetadata Metadata { get; }

    /// <exception cref="OperatorException">The IdP or its configuration cannot be used.</exception>
    public static async Task<IdentityProvider> DiscoverAsync(
        OidcConfig config,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        var options = new OutboundOptions
        {
            UseProxy = config.UseProxy == true,
            TrustedRoots = ReadRoots(config.CaCertPem),
            Decompression = System.Net.DecompressionMethods.All,
            ProxiedNames = outbound.IdpConnectByHostname ? ProxiedNames.UnresolvedOverTls : ProxiedNames.Resolved,
        };
        if (outbound.IdpConnectByHostname && outbound.ReachesThroughProxy(options))
        {
            log.Info(
                $"oidc: {OutboundHttp.IdpConnectByHostnameVariable} is on: the proxy is handed the identity provider's "
                    + "host names unresolved, except those in NO_PROXY, "
                + "and alone decides what they lead to: it should admit the hosts of the issuer, discovery, JWKS, "
                + "token and userinfo endpoints, and no name of a private, loopback or metadata address");
        }

        // A part of its own: the provider may outlive the configuration it came with.
        var connections = outbound.CreatePart();
        ClientAssertion? assertion = null;
        try
        {
            var http = new IdpHttp(connections.CreateClient(options), clock);
            assertion = config.ClientAssertion is { } keys ? new ClientAssertion(keys, clock, log) : null;
            var metadata = await new Discovery(config, http, clock, log).FetchAsync(cancellation);
            return new IdentityProvider(config, metadata, connections, http, assertion, clock);
        }
        catch
        {
            assertion?.Dispose();
            connections.Dispose();
            throw;
        }
    }

    /// <summary>Where the browser goes to sign in (OpenID Connect Core 1.0 section 3.1.2.1).</summary>
    public string AuthorizationUrl(string redirectUri, string state, string nonce, string codeVerifier)
    {
        var query = new List<KeyValuePair<string, string>>
        {
            new("client_id", _config.ClientId),
            new("scope", string.Join(' ', _config.Scopes)),
            new("response_type", "code"),
            new("redirect_uri", redirectUri),
        };
        query.AddRange(_config.ExtraAuthParams);
        query.Add(new("state", state));
        query.Add(new("nonce", nonce));
        if (_config.UsePkce)
        {
            query.Add(
                new(
                "code_challenge",
                Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(codeVerifier)))));
            query.Add(new("code_challenge_method", "S256"));
        }

        query.Add(new("response_mode", "query"));
        var endpoint = Metadata.AuthorizationEndpoint.OriginalString;
        var separator = Metadata.AuthorizationEndpoint.Query.Length > 0 ? '&' : '?';
        return endpoint + separator
            + string.Join(
                '&', query.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}"));
    }

    public Task<TokenEndpointAnswer> RedeemAsync(string code, string redirectUri, string codeVerifier)
    {
        var form = new List<KeyValuePair<string, string>>
        {
            new("grant_type", "authorization_code"),
            new("code", code),
            new("redirect_uri", redirectUri),
        };
        if (_config.UsePkce)
        {
            form.Add(new("code_verifier", codeVerifier));
        }

        return AskTokenEndpointAsync(form);
    }

    public Task<TokenEndpointAnswer> RefreshAsync(string refreshToken)
    {
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "refresh_token"), new(
            "refresh_token", refreshToken) };
        if (_config.ScopeOnRefresh)
        {
            form.Add(new("scope", string.Join(' ', _config.Scopes)));
        }

        return AskTokenEndpointAsync(form);
    }

    /// <summary>Asks for an access token of the client's own (RFC 6749 section 4.4).</summary>
    /// <exception cref="IdentityProviderUnavailableException">The IdP did not answer.</exception>
    public Task<IdpAnswer> ClientTokenAsync(string scope)
    {
        var form = new List<KeyValuePair<string, string>>
        {
            new("grant_type", "client_credentials"),
            new("scope", scope),
        };
        return _http.PostFormAsync(Metadata.TokenEndpoint, form, _authentication.AddTo(form));
    }

    /// <summary>
    /// A place for asking about a refresh token that the gateway did not seal, until it is disposed; null when all are
    /// taken.
    /// </summary>
    public IDisposable? TryEnterForeignRefresh()
    {
        var lease = _foreignRefreshes.AttemptAcquire();
        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        return null;
    }

    /// <inheritdoc cref="IdTokenValidator.ValidateAsync"/>
    public Task<IdTokenResult> ValidateAsync(string idToken, string? nonce, string? accessToken) =>
        _idTokens.ValidateAsync(idToken, nonce, accessToken);

    /// <summary>The claims of OpenID Connect Core 1.0 section 5.3.</summary>
    /// <exception cref="IdentityProviderUnavailableException">There is no such endpoint, or it did not answer with
    /// claims.</exception>
    public async Task<JsonElement> UserinfoAsync(string? accessToken)
    {
        if (Metadata.UserinfoEndpoint is not { } endpoint || accessToken is null)
        {
            throw new IdentityProviderUnavailableException(
                "the IdP has no userinfo_endpoint, or gave no access token for it");
        }

        var answer = await _http.GetAsync(endpoint, accessToken);
        return answer.Status == 200 && answer.Json.ValueKind == JsonValueKind.Object
            ? answer.Json
            : throw new IdentityProviderUnavailableException(
                $"GET {endpoint}: status {answer.Status}, no JSON object in the answer");
    }

    /// <summary>Revokes a refresh token where the IdP offers it (RFC 7009); does nothing elsewhere.</summary>
    /// <exception cref="IdentityProviderUnavailableException">The IdP did not answer.</exception>
    public async Task RevokeAsync(string refreshToken)
    {
        if (Metadata.RevocationEndpoint is { } endpoint)
        {
            var form = new List<KeyValuePair<string, string>> { new("token", refreshToken), new(
                "token_type_hint", "refresh_token") };
            await _http.PostFormAsync(endpoint, form, _authentication.AddTo(form));
        }
    }

    public void Dispose()
    {
        _foreignRefreshes.Dispose();
        _keys.Dispose();
        _assertion?.Dispose();
        _http.Dispose();
        _connections.Dispose();
    }

    private async Task<TokenEndpointAnswer> AskTokenEndpointAsync(List<KeyValuePair<string, string>> form)
    {
        var authorization = _authentication.AddTo(form);
        IdpAnswer answer;
        try
        {
            answer = await _http.PostFormAsync(Metadata.TokenEndpoint, form, authorization);
        }
        catch (IdentityProviderUnavailableException e)
        {
            return new TokenEndpointAnswer.Unavailable(e.Message, e.IsFinal);
        }

        // Some answer 200 to a grant they refuse.
        var error = answer.OAuthError;
        if (answer.Status != 200 || error is "invalid_grant")
        {
            return new TokenEndpointAnswer.Refused(answer.Status, error);
        }

        return answer.Json.ValueKind == JsonValueKind.Object
            ? new TokenEndpointAnswer.Granted(
                answer.Text("id_token") is { Length: > 0 } idToken ? idToken : null,
                answer.Text("access_token"),
                answer.Text("refresh_token"))
            : new TokenEndpointAnswer.Refused(answer.Status, null);
    }

    private static X509Certificate2Collection? ReadRoots(string? pem)
    {
        if (pem is null)
        {
            return null;
        }

        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new OperatorException("oidc.ca_cert_pem cannot be read: " + e.Message, e);
        }

        return roots.Count > 0 ? roots : throw new OperatorException("oidc.ca_cert_pem holds no certificate in PEM");
    }
}
