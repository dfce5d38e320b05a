using ClaudeGateway.Http;

namespace ClaudeGateway.Admin;

/// <summary>
/// The admin API of spend limits (spec/spend.md): who calls is checked first, whatever is called, then the path
/// decides. When the store is away every call answers 503 in the API's own envelope.
/// </summary>
internal sealed class AdminApi(
    AdminAuthentication authentication, SpendLimitEndpoints limits, EffectiveEndpoint effective, AuditEndpoint trail)
{
    public const string Path = "/v1/organizations/spend_limits";

    /// <summary>A path below <see cref="Path"/> that is none of its own.</summary>
    private const string Elsewhere = "//";

    public void Map(Routes routes) => routes.PublicPrefix(Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest gateway)
    {
        var request = new AdminRequest(gateway);
        var method = gateway.Http.Request.Method;
        // The route was found by the path as it was sent; decoding resolves dots, and may lead out of this API.
        var path = gateway.Path.StartsWith(Path, StringComparison.Ordinal) ? gateway.Path[Path.Length..] : Elsewhere;
        var caller = await authentication.AuthenticateAsync(request, IsChange(method, path));
        if (caller is not null)
        {
            await request.WithStoreAsync(() => DispatchAsync(request, caller, method, path));
        }
    }

    private static bool IsChange(string method, string path) => (method, path) is ("POST", "") or ("DELETE", ['/', ..]);

    private Task DispatchAsync(AdminRequest request, AdminCaller caller, string method, string path) =>
        (method, path) switch
        {
            (_, Elsewhere) => request.NotFoundAsync("not found"),
            ("GET", "") => limits.ListAsync(request),
            ("POST", "") => limits.UpsertAsync(request, caller),
            ("GET", "/effective") => effective.HandleAsync(request),
            ("GET", "/audit") => trail.HandleAsync(request),
            ("GET", ['/', .. var id]) => limits.GetAsync(request, id),
            ("DELETE", ['/', .. var id]) => limits.DeleteAsync(request, caller, id),
            _ => request.NotFoundAsync("not found"),
        };
}
