using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Admin;

/// <summary>Who calls the admin API.</summary>
/// <param name="Actor">As the audit names him: <c>admin-key:id</c> or <c>oidc:sub</c>.</param>
internal sealed record AdminCaller(string Actor, bool CanWrite);

/// <summary>
/// Authenticates calls of the admin API (spec/spend.md, Admin auth): an <c>x-api-key</c> decides alone, also against a
/// good bearer; without one the bearer's developer must be in an admin group. Anthropic's SDKs send as a bearer what
/// they are given as a key: from them, and from nobody else, it is taken so.
/// </summary>
internal sealed class AdminAuthentication(
    AdminConfig config, RequireSession session, TimeProvider clock, AuditLog audit)
{
    private readonly (byte[] Digest, AdminCaller Caller)[] _keys =
    [
        .. config.WriteKeys.Select(key => (Digest(key.Key.Reveal()), new AdminCaller("admin-key:" + key.Id, true))),
        .. config.ReadKeys.Select(key => (Digest(key.Key.Reveal()), new AdminCaller("admin-key:" + key.Id, false))),
    ];

    private readonly HashSet<string> _groups = [.. config.AdminGroups];
    private readonly WrongKeyLimit _wrongKeys = new(clock);

    /// <summary>The caller, or null when the call has been answered with a refusal.</summary>
    public async Task<AdminCaller?> AuthenticateAsync(AdminRequest request, bool mustWrite)
    {
        var (caller, reason) = Find(request);
        if (caller is null)
        {
            await RefuseAsync(request, reason);
            return null;
        }

        if (mustWrite && !caller.CanWrite)
        {
            await request.ErrorAsync(403, "permission_error", "requires write:spend_limits");
            return null;
        }

        return caller;
    }

    private (AdminCaller? Caller, string Reason) Find(AdminRequest request)
    {
        var headers = request.Http.Headers;
        var key = headers["x-api-key"].ToString();
        if (key.Length > 0)
        {
            return (FindKey(key), "invalid_key");
        }

        if (headers.Authorization.Count == 0)
        {
            return (null, "no_credentials");
        }

        if (request.IsOfAnthropicClient
            && RequireSession.BearerOf(headers.Authorization).ToString() is { Length: > 0 } bearer
            && FindKey(bearer) is { } caller)
        {
            return (caller, "");
        }

        var principal = session.Check(headers).Principal;
        return principal is not null && principal.Groups.Any(_groups.Contains)
            ? (new AdminCaller("oidc:" + principal.Sub, true), "")
            : (null, "bearer_rejected");
    }

    /// <summary>Compares with every key, whichever fits, so that the time taken tells nothing.</summary>
    private AdminCaller? FindKey(string key)
    {
        var digest = Digest(key);
        AdminCaller? found = null;
        foreach (var (known, caller) in _keys)
        {
            found = CryptographicOperations.FixedTimeEquals(known, digest) ? found ?? caller : found;
        }

        return found;
    }

    private Task RefuseAsync(AdminRequest request, string reason)
    {
        var gateway = request.Gateway;
        if (reason == "invalid_key" && _wrongKeys.IsOver(gateway.ClientAddress, out var isFirst))
        {
            if (isFirst)
            {
                audit.AdminDenied("throttled", request.Http.Method, gateway.Path, gateway.ClientAddress.ToString());
            }

            gateway.Http.Response.Headers.RetryAfter = "60";
            return request.ErrorAsync(429, "rate_limit_error", "too many attempts with invalid admin credentials");
        }

        audit.AdminDenied(reason, request.Http.Method, gateway.Path, gateway.ClientAddress.ToString());
        return request.ErrorAsync(401, "authentication_error", "missing or invalid admin credentials");
    }

    private static byte[] Digest(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
