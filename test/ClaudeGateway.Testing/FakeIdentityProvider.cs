using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Testing;

/// <summary>
/// A scripted OpenID provider (discovery, authorization code with PKCE, refresh, userinfo) that signs in
/// <see cref="User"/> without asking. Everything a test may want broken is a property.
/// </summary>
internal sealed class FakeIdentityProvider : IAsyncDisposable
{
    public const string ClientId = "gw-client";
    public const string ClientSecret = "client-secret";

    // One key for all tests: making a key takes longer than most tests.
    private static readonly RSA SharedKey = RSA.Create(2048);

    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _codes = [];
    private readonly Dictionary<string, (string Scope, string Family)> _refreshTokens = [];

    /// <summary>Refresh tokens that were used, with the sign-in they came of.</summary>
    private readonly Dictionary<string, string> _used = [];
    private readonly TimeProvider _clock;

    public FakeIdentityProvider(TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        Server = new FakeServer(HandleAsync);
    }

    public FakeServer Server { get; }

    /// <summary>http://localhost:port, without a trailing slash.</summary>
    public string Issuer => Server.LocalUrl;

    public JsonObject User { get; set; } = new()
    {
        ["sub"] = "alice",
        ["email"] = "alice@example.com",
        ["email_verified"] = true,
        ["name"] = "Alice A",
        ["groups"] = new JsonArray("eng"),
    };

    /// <summary>Only these of the user's claims go into the id_token (sub always does); null lets all in.</summary>
    public IReadOnlyCollection<string>? IdTokenClaims { get; set; }

    /// <summary>What /userinfo answers instead of the user.</summary>
    public JsonObject? UserInfo { get; set; }

    public int UserInfoStatus { get; set; } = 200;

    /// <summary>Replaces claims of the id_token last; a null value removes the claim.</summary>
    public Dictionary<string, JsonNode?> ClaimOverrides { get; } = [];

    /// <summary>Replaces members of the discovery document; a null value removes the member.</summary>
    public Dictionary<string, JsonNode?> DiscoveryOverrides { get; } = [];

    public string Algorithm { get; set; } = "RS256";

    public string KeyId { get; set; } = "k1";

    public RSA SigningKey { get; set; } = SharedKey;

    /// <summary>The keys /jwks shows, by key id.</summary>
    public Dictionary<string, RSA> PublishedKeys { get; } = new() { ["k1"] = SharedKey };

    public bool IssuesRefreshTokens { get; set; } = true;

    /// <summary>Whether each refresh gives a new refresh token and ends the old one.</summary>
    public bool RotatesRefreshTokens { get; set; } = true;

    /// <summary>Whether a second use of a rotated token ends every token of its sign-in (RFC 9700 section
    /// 4.14.2).</summary>
    public bool DetectsReuse { get; set; }

    /// <summary>Whether a refresh token is good that another instance has given.</summary>
    public bool KnowsEveryRefreshToken { get; set; }

    /// <summary>Answers to refreshes wait for it.</summary>
    public Task RefreshGate { get; set; } = Task.CompletedTask;

    public bool IssuesIdTokenOnRefresh { get; set; } = true;

    /// <summary>Sent back from /auth instead of a code.</summary>
    public string? AuthorizeError { get; set; }

    /// <summary>Sent as the RFC 9207 iss parameter of the authorization response.</summary>
    public string? ResponseIssuer { get; set; }

    /// <summary>Takes the request instead when it returns a task; the path tells which endpoint it is.</summary>
    public Func<FakeExchange, Task?>? Script { get; set; }

    public IReadOnlyList<RecordedRequest> Requests => Server.Requests;

    public IEnumerable<RecordedRequest> TokenRequests => Requests.Where(r => r.Path == "/token");

    public IEnumerable<RecordedRequest> Refreshes => TokenRequests.Where(IsRefresh);

    /// <summary>Requests for a token of the client's own, RFC 6749 section 4.4.</summary>
    public IEnumerable<RecordedRequest> ClientTokenRequests =>
        TokenRequests.Where(r => r.Form.GetValueOrDefault("grant_type") == "client_credentials");

    public IEnumerable<RecordedRequest> AuthorizeRequests => Requests.Where(r => r.Path == "/auth");

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    public static bool IsRefresh(RecordedRequest request) =>
        request.Path == "/token" && request.Form.GetValueOrDefault("grant_type") == "refresh_token";

    /// <summary>A compact JWS over <paramref name="claims"/> with the current algorithm, key id and key.</summary>
    public string Sign(JsonObject claims)
    {
        var head = new JsonObject { ["alg"] = Algorithm, ["typ"] = "JWT", ["kid"] = KeyId };
        var input = $"{Encode(head.ToJsonString())}.{Encode(claims.ToJsonString())}";
        var bytes = Encoding.ASCII.GetBytes(input);
        var signature = Algorithm switch
        {
            "none" => [],
            "HS256" => HMACSHA256.HashData(Encoding.UTF8.GetBytes(ClientSecret), bytes),
            "RS384" => SigningKey.SignData(bytes, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
            "RS512" => SigningKey.SignData(bytes, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            "PS256" => SigningKey.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            _ => SigningKey.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        };
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

    private Task HandleAsync(FakeExchange exchange) => Script?.Invoke(exchange) ?? exchange.Request.Path switch
    {
        "/.well-known/openid-configuration" => exchange.RespondJsonAsync(200, Discovery()),
        "/jwks" => exchange.RespondJsonAsync(200, new { keys = PublishedKeys.Select(k => Jwk(k.Key, k.Value)) }),
        "/auth" => AuthorizeAsync(exchange),
        "/token" => TokenAsync(exchange),
        "/userinfo" => exchange.RespondJsonAsync(UserInfoStatus, UserInfo ?? User),
        _ => exchange.RespondAsync(404, ""),
    };

    private JsonObject Discovery()
    {
        var document = new JsonObject
        {
            ["issuer"] = Issuer,
            ["authorization_endpoint"] = Issuer + "/auth",
            ["token_endpoint"] = Issuer + "/token",
            ["jwks_uri"] = Issuer + "/jwks",
            ["userinfo_endpoint"] = Issuer + "/userinfo",
            ["response_types_supported"] = new JsonArray("code"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
            ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic", "client_secret_post"),
            ["code_challenge_methods_supported"] = new JsonArray("S256"),
        };
        Override(document, DiscoveryOverrides);
        return document;
    }

    private Task AuthorizeAsync(FakeExchange exchange)
    {
        var query = exchange.Request.Query;
        var answer = new Dictionary<string, string> { ["state"] = query.GetValueOrDefault("state", "") };
        if (AuthorizeError is not null)
        {
            answer["error"] = AuthorizeError;
            answer["error_description"] = "denied by test";
        }
        else
        {
            var code = RandomNumberGenerator.GetHexString(24, lowercase: true);
            lock (_codes)
            {
                _codes[code] = query;
            }

            answer["code"] = code;
        }

        if (ResponseIssuer is not null)
        {
            answer["iss"] = ResponseIssuer;
        }

        var parameters = string.Join('&', answer.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value)}"));
        return exchange.RespondAsync(302, "", ("location", $"{query["redirect_uri"]}?{parameters}"));
    }

    private Task TokenAsync(FakeExchange exchange)
    {
        var form = exchange.Request.Form;
        return form.GetValueOrDefault("grant_type") switch
        {
            "authorization_code" => RedeemAsync(exchange, form),
            "refresh_token" => RefreshAsync(exchange, form),
            "client_credentials" => exchange.RespondJsonAsync(
                200,
                new { access_token = $"app-{ClientTokenRequests.Count()}", token_type = "Bearer", expires_in = 3600 }),
            _ => exchange.RespondJsonAsync(400, new { error = "unsupported_grant_type" }),
        };
    }

    private Task RedeemAsync(FakeExchange exchange, IReadOnlyDictionary<string, string> form)
    {
        IReadOnlyDictionary<string, string>? request;
        lock (_codes)
        {
            _codes.Remove(form.GetValueOrDefault("code", ""), out request);
        }

        if (request is null || form.GetValueOrDefault("redirect_uri") != request["redirect_uri"])
        {
            return exchange.RespondJsonAsync(400, new { error = "invalid_grant" });
        }

        var verifier = Base64Url.EncodeToString(
            SHA256.HashData(Encoding.ASCII.GetBytes(form.GetValueOrDefault("code_verifier", ""))));
        return request.TryGetValue("code_challenge", out var challenge) && challenge != verifier
            ? exchange.RespondJsonAsync(400, new { error = "invalid_grant", error_description = "pkce" })
            : exchange.RespondJsonAsync(
                200,
                Tokens(request.GetValueOrDefault("nonce"), request.GetValueOrDefault("scope", ""), true, NewFamily()));
    }

    private async Task RefreshAsync(FakeExchange exchange, IReadOnlyDictionary<string, string> form)
    {
        await RefreshGate.WaitAsync(exchange.Stopped);
        var token = form.GetValueOrDefault("refresh_token", "");
        bool isGood;
        (string Scope, string Family) held;
        lock (_codes)
        {
            isGood = _refreshTokens.TryGetValue(token, out held);
            if (!isGood && KnowsEveryRefreshToken)
            {
                (isGood, held) = (true, ("openid offline_access", NewFamily()));
            }

            if (isGood && RotatesRefreshTokens)
            {
                _refreshTokens.Remove(token);
                _used[token] = held.Family;
            }
            else if (!isGood && DetectsReuse && _used.TryGetValue(token, out var family))
            {
                foreach (var other in _refreshTokens.Where(t => t.Value.Family == family).ToList())
                {
                    _refreshTokens.Remove(other.Key);
                }
            }
        }

        await (isGood
            ? exchange.RespondJsonAsync(
                200,
                Tokens(null, held.Scope, IssuesIdTokenOnRefresh, RotatesRefreshTokens ? held.Family : null))
            : exchange.RespondJsonAsync(400, new { error = "invalid_grant", error_description = "disabled" }));
    }

    private static string NewFamily() => RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <param name="family">The sign-in a new refresh token comes of; null for none.</param>
    private JsonObject Tokens(string? nonce, string scope, bool withIdToken, string? family)
    {
        var accessToken = "at-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        var answer = new JsonObject
        {
            ["access_token"] = accessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = 3600,
            ["scope"] = scope,
        };
        if (withIdToken)
        {
            answer["id_token"] = Sign(Claims(nonce, accessToken));
        }

        if (IssuesRefreshTokens && family is not null && scope.Contains("offline_access", StringComparison.Ordinal))
        {
            var refresh = "rt-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
            lock (_codes)
            {
                _refreshTokens[refresh] = (scope, family);
            }

            answer["refresh_token"] = refresh;
        }

        return answer;
    }

    private JsonObject Claims(string? nonce, string accessToken)
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = ClientId,
            ["iat"] = now,
            ["exp"] = now + 3600,
            ["at_hash"] = AccessTokenHash(accessToken),
        };
        if (nonce is not null)
        {
            claims["nonce"] = nonce;
        }

        foreach (var (name, value) in User)
        {
            if (name == "sub" || IdTokenClaims is null || IdTokenClaims.Contains(name))
            {
                claims[name] = value?.DeepClone();
            }
        }

        Override(claims, ClaimOverrides);
        return claims;
    }

    /// <summary>OpenID Connect Core 1.0 section 3.1.3.6.</summary>
    private string AccessTokenHash(string accessToken)
    {
        var bytes = Encoding.ASCII.GetBytes(accessToken);
        var hash = Algorithm[^3..] switch
        {
            "384" => SHA384.HashData(bytes),
            "512" => SHA512.HashData(bytes),
            _ => SHA256.HashData(bytes)
        };
        return Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2));
    }

    private static void Override(JsonObject target, Dictionary<string, JsonNode?> values)
    {
        foreach (var (name, value) in values)
        {
            target.Remove(name);
            if (value is not null)
            {
                target[name] = value.DeepClone();
            }
        }
    }

    private static JsonObject Jwk(string id, RSA key)
    {
        var parameters = key.ExportParameters(false);
        return new JsonObject
        {
            ["kty"] = "RSA",
            ["kid"] = id,
            ["use"] = "sig",
            ["n"] = Base64Url.EncodeToString(parameters.Modulus),
            ["e"] = Base64Url.EncodeToString(parameters.Exponent),
        };
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
