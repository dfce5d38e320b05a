using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

/// <summary>
/// The OpenID provider of <c>dev</c>: discovery, sign-in page, authorization code with PKCE, refresh, userinfo (OpenID
/// Connect Core, RFC 6749, RFC 7636). It knows one client, the gateway beside it, and believes whoever signs in.
/// </summary>
internal sealed class DevIdentityProvider(string issuer, DevClient client, DevTokens tokens, TimeProvider clock)
{
    private readonly DevAuthorizeEndpoint _authorize = new(issuer, client, clock);
    private readonly string _host = new Uri(issuer).Authority;

    public Task HandleAsync(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        // Another name that points at this machine is DNS rebinding, not a developer.
        if (!http.Request.Host.Value!.Equals(_host, StringComparison.OrdinalIgnoreCase))
        {
            return DevPages.WriteAsync(
                http,
                StatusCodes.Status421MisdirectedRequest,
                DevPages.Message("Wrong address", $"Open {issuer} instead."));
        }

        return (http.Request.Method, http.Request.Path.Value) switch
        {
            ("GET", "/") => DevPages.WriteAsync(http, 200, DevPages.Home(client.Origin)),
            ("GET", "/.well-known/openid-configuration") => DevJson.WriteAsync(http, Discovery()),
            ("GET", "/jwks") => DevJson.WriteAsync(http, tokens.KeySet()),
            ("GET", "/authorize") => _authorize.ShowAsync(http),
            ("POST", "/authorize") => _authorize.SignInAsync(http),
            ("POST", "/token") => TokenAsync(http),
            ("GET" or "POST", "/userinfo") => UserInfoAsync(http),
            _ =>
                DevPages.WriteAsync(
                    http,
                    StatusCodes.Status404NotFound,
                    DevPages.Message("Nothing here", $"This is the development identity provider of {client.Origin}.")),
        };
    }

    private JsonObject Discovery() => new()
    {
        ["issuer"] = issuer,
        ["authorization_endpoint"] = issuer + "/authorize",
        ["token_endpoint"] = issuer + "/token",
        ["userinfo_endpoint"] = issuer + "/userinfo",
        ["jwks_uri"] = issuer + "/jwks",
        ["response_types_supported"] = new JsonArray("code"),
        ["response_modes_supported"] = new JsonArray("query"),
        ["grant_types_supported"] = new JsonArray("authorization_code", "refresh_token"),
        ["subject_types_supported"] = new JsonArray("public"),
        ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
        ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic", "client_secret_post"),
        ["code_challenge_methods_supported"] = new JsonArray("S256"),
        ["scopes_supported"] = new JsonArray("openid", "profile", "email", "offline_access"),
        ["claims_supported"] = new JsonArray("sub", "email", "email_verified", "name", "groups"),
        ["authorization_response_iss_parameter_supported"] = true,
    };

    private async Task TokenAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType)
        {
            await ErrorAsync(http, "invalid_request");
            return;
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        if (!client.IsAuthenticated(http.Request.Headers.Authorization, form["client_id"], form["client_secret"]))
        {
            await ErrorAsync(http, "invalid_client", StatusCodes.Status401Unauthorized);
            return;
        }

        switch (form["grant_type"])
        {
            case "authorization_code":
                var code = _authorize.Redeem(
                    form["code"].ToString(), form["redirect_uri"].ToString(), form["code_verifier"].ToString());
                await (
                    code is null
                    ? ErrorAsync(http, "invalid_grant")
                    : AnswerAsync(http, code.User, code.Scope, code.Nonce));
                break;
            case "refresh_token":
                var known = tokens.Read(form["refresh_token"].ToString(), DevTokens.RefreshToken);
                await (
                    known is null
                    ? ErrorAsync(http, "invalid_grant")
                    : AnswerAsync(http, known.Value.User, known.Value.Scope, null));
                break;
            default:
                await ErrorAsync(http, "unsupported_grant_type");
                break;
        }
    }

    private Task AnswerAsync(HttpContext http, DevUser user, string scope, string? nonce)
    {
        var answer = new JsonObject
        {
            ["access_token"] = tokens.Opaque(user, DevTokens.AccessToken, scope),
            ["token_type"] = "Bearer",
            ["expires_in"] = 3600,
            ["scope"] = scope,
            ["id_token"] = tokens.IdToken(user, client.Id, nonce),
        };
        if (scope.Split(' ').Contains("offline_access"))
        {
            answer["refresh_token"] = tokens.Opaque(user, DevTokens.RefreshToken, scope);
        }

        return DevJson.WriteAsync(http, answer);
    }

    private Task UserInfoAsync(HttpContext http)
    {
        const string scheme = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        var known = header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            ? tokens.Read(header[scheme.Length..], DevTokens.AccessToken)
            : null;
        if (known is null)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return ErrorAsync(http, "invalid_token", StatusCodes.Status401Unauthorized);
        }

        return DevJson.WriteAsync(http, DevTokens.Claims(known.Value.User));
    }

    private static Task ErrorAsync(HttpContext http, string error, int status = StatusCodes.Status400BadRequest)
    {
        http.Response.StatusCode = status;
        return DevJson.WriteAsync(http, new JsonObject { ["error"] = error });
    }
}
