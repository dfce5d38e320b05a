using ClaudeGateway.Http;

namespace ClaudeGateway.Sessions;

/// <summary>Reads and verifies the bearer of a request (spec/auth.md, Bearer).</summary>
internal sealed class RequireSession(TimeProvider clock)
{
    /// <param name="Principal">Null when the request has no valid bearer.</param>
    /// <param name="Reason"><c>missing_token</c> or <c>invalid_token</c>, for the audit; meaningless with a principal.</param>
    internal readonly record struct Result(Principal? Principal, string Reason);

    public Result Check(GatewayRequest request)
    {
        _ = clock;
        return new Result(null, request.Http.Request.Headers.Authorization.Count == 0 ? "missing_token" : "invalid_token");
    }
}
