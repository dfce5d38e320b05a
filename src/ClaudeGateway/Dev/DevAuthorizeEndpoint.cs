using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace ClaudeGateway.Dev;

/// <summary>An authorization code that was given out: for whom, and what has to come back with it.</summary>
internal sealed record DevCode(
    DevUser User, string Scope, string? Nonce, string CodeChallenge, DateTimeOffset ExpiresAt);

/// <summary>
/// The authorization endpoint of the development identity provider (RFC 6749 section 4.1, RFC 7636): a page on which a
/// developer picks or types who to be, then a code for the gateway.
/// </summary>
internal sealed class DevAuthorizeEndpoint(string issuer, DevClient client, TimeProvider clock)
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DevCode> _codes = new();

    public Task ShowAsync(HttpContext http) =>
        Problem(http.Request.Query) is { } problem
            ? RefuseAsync(http, problem)
            : DevPages.WriteAsync(
                http, 200, DevPages.SignIn(http.Request.QueryString.Value!, null, "", "", ""), client.Origin);

    public async Task SignInAsync(HttpContext http)
    {
        // A page elsewhere must not sign this browser in.
        if (http.Request.Headers.Origin != issuer && http.Request.Headers["Sec-Fetch-Site"] != "same-origin")
        {
            await RefuseAsync(http, "The form was not sent from the sign-in page.");
            return;
        }

        var query = http.Request.Query;
        if (Problem(query) is { } problem)
        {
            await RefuseAsync(http, problem);
            return;
        }

        var form = http.Request.HasFormContentType
            ? await http.Request.ReadFormAsync(http.RequestAborted)
            : FormCollection.Empty;
        if (form.ContainsKey("cancel"))
        {
            Return(http, new() { ["error"] = "access_denied", ["error_description"] = "The sign-in was cancelled." });
            return;
        }

        var typedProblem = "";
        var user = DevUser.Known.FirstOrDefault(u => u.Sub == form["user"])
            ?? DevUser.Read(
                form["email"].ToString(), form["name"].ToString(), form["groups"].ToString(), out typedProblem);
        if (user is null)
        {
            var page = DevPages.SignIn(
                http.Request.QueryString.Value!,
                typedProblem,
                form["email"].ToString(),
                form["name"].ToString(),
                form["groups"].ToString());
            await DevPages.WriteAsync(http, 200, page, client.Origin);
            return;
        }

        var code = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _codes[code] = new DevCode(
            user,
            query["scope"].ToString(),
            query["nonce"],
            query["code_challenge"].ToString(),
            clock.GetUtcNow() + CodeLifetime);
        Return(http, new() { ["code"] = code });
    }

    /// <summary>
    /// Takes a code out, so that it works once; null when it, its redirect URI or its verifier is wrong or late.
    /// </summary>
    public DevCode? Redeem(string code, string redirectUri, string verifier)
    {
        if (!_codes.TryRemove(code, out var found) || found.ExpiresAt < clock.GetUtcNow()
            || redirectUri != client.RedirectUri)
        {
            return null;
        }

        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        return challenge == found.CodeChallenge ? found : null;
    }

    private string? Problem(IQueryCollection query) =>
        query["client_id"] != client.Id ? "client_id is not the gateway's."
        : query["redirect_uri"] != client.RedirectUri ? $"redirect_uri is not {client.RedirectUri}."
        : query["response_type"] != "code" ? "response_type must be code."
        : !query["scope"].ToString().Split(' ').Contains("openid") ? "scope must contain openid."
        : query["code_challenge_method"] != "S256" || query["code_challenge"].ToString().Length != 43
        ? "code_challenge with method S256 is needed."
        : null;

    private void Return(HttpContext http, Dictionary<string, string?> answer)
    {
        answer["state"] = http.Request.Query["state"];
        answer["iss"] = issuer; // RFC 9207
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = QueryHelpers.AddQueryString(
            client.RedirectUri, answer.Where(p => !string.IsNullOrEmpty(p.Value)));
    }

    /// <summary>Shown, never sent to an address that was not checked (RFC 6749 section 4.1.2.1).</summary>
    private Task RefuseAsync(HttpContext http, string problem) =>
        DevPages.WriteAsync(
            http,
            StatusCodes.Status400BadRequest,
            DevPages.Message("This sign-in cannot go on", $"{problem} Start again at {client.Origin}/device."));
}
