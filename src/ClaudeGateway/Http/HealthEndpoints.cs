namespace ClaudeGateway.Http;

/// <summary>Liveness and readiness probes (spec/auth.md, Common).</summary>
internal sealed class HealthEndpoints(Func<Task<bool>> storeIsReady)
{
    public void Map(Routes routes)
    {
        routes.Public("GET", "/healthz", request => Answers.TextAsync(request, 200, "ok"));
        routes.Public("GET", "/readyz", HandleReadyAsync);
    }

    private async Task HandleReadyAsync(GatewayRequest request)
    {
        if (await storeIsReady())
        {
            await Answers.TextAsync(request, 200, "ready");
        }
        else
        {
            await Answers.TextAsync(request, 503, "store unavailable");
        }
    }
}
