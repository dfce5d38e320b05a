using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn;

/// <summary>POST /oauth/revoke (RFC 7009).</summary>
internal sealed class RevocationEndpoint
{
    public const string Path = "/oauth/revoke";

    public static void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private static Task HandleAsync(GatewayRequest request) => OAuthError.InvalidRequest.WriteAsync(request);
}
