using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Sessions;

/// <summary>
/// Reads and verifies the bearer of a request (spec/auth.md, Bearer). On the path of every request: no store, no
/// allocation for a known token.
/// </summary>
internal sealed class RequireSession(SessionTokens tokens, Revocations revocations, TimeProvider clock)
{
    private const string Scheme = "Bearer ";

    private readonly SessionCache _cache = new();

    /// <param name="Principal">Null when the request has no valid bearer.</param>
    /// <param name="Reason"><c>missing_token</c> or <c>invalid_token</c>, for the audit; meaningless with a
    /// principal.</param>
    internal readonly record struct Result(Principal? Principal, string Reason);

    /// <summary>
    /// What a single Authorization header gives as a bearer, or nothing. The scheme's case does not matter (RFC 9110
    /// section 11.1).
    /// </summary>
    public static ReadOnlySpan<char> BearerOf(StringValues authorization) =>
        authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        ? value.AsSpan(Scheme.Length)
        : default;

    /// <summary>Whether a request has come with this bearer here, as far as is remembered.</summary>
    public bool HasSeen(string token) => _cache.Find(token) is not null;

    public Result Check(IHeaderDictionary headers)
    {
        var header = headers.Authorization;
        if (header.Count == 0)
        {
            return new Result(null, "missing_token");
        }

        var token = BearerOf(header);
        if (token.IsEmpty)
        {
            return new Result(null, "invalid_token");
        }

        var principal = _cache.Find(token);
        if (principal is null && (principal = tokens.Verify(token)) is not null)
        {
            _cache.Add(token, principal);
        }

        return principal is not null && principal.ExpiresAt > clock.GetUtcNow() && !revocations.Covers(principal)
            ? new Result(principal, "")
            : new Result(null, "invalid_token");
    }
}
