using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// Microsoft Foundry: the Messages API under an Azure resource, by its key or Microsoft Entra ID (spec/clouds.md).
/// </summary>
internal sealed class FoundryUpstream(FoundryUpstreamConfig config, CloudContext context)
    : NativeCloudUpstream(config, context, $"https://{config.Resource}.services.ai.azure.com/anthropic")
{
    private readonly FoundryUpstreamConfig _config = config;

    public override string BuiltInModelId(BuiltInModel model) => model.Id;

    protected override async ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation)
    {
        if (_config.ApiKey is { } key)
        {
            request.Headers.TryAddWithoutValidation("x-api-key", key.Reveal());
            return;
        }

        request.Headers.TryAddWithoutValidation("Authorization",
            "Bearer " + await Context.Entra.GetAsync(cancellation));
    }
}
