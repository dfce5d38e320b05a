namespace ClaudeGateway.Http;

/// <summary>Liveness and readiness probes (spec/auth.md, Common).</summary>
internal sealed class HealthEndpoints(Readiness readiness)
{
    public void Map(Routes routes)
    {
        routes.Public("GET", "/healthz", request => Answers.TextAsync(request, 200, "ok"));
        routes.Public("GET", "/readyz", HandleReadyAsync);
    }

    private async Task HandleReadyAsync(GatewayRequest request)
    {
        var obstacle = await readiness.ObstacleAsync();
        await Answers.TextAsync(request, obstacle is null ? 200 : 503, obstacle ?? "ready");
    }
}
