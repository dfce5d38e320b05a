using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>Claude on Google Cloud: Anthropic's API in a Google Cloud workspace (spec/clouds.md).</summary>
internal sealed class ClaudeOnGoogleCloudUpstream(ClaudeOnGoogleCloudUpstreamConfig config, CloudContext context)
    : NativeCloudUpstream(
        config,
        context,
        $"https://claude.googleapis.com/v1/projects/{config.ProjectId}/locations/{config.Location}/workspaces/{config.WorkspaceId}/invoke")
{
    private readonly GoogleAuthorizer _authorizer = new(config.Auth, config.Name, context);

    public override string? BuiltInModelId(BuiltInModel model) => model.IsOnGoogleCloud ? model.AnthropicId : null;

    protected override ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation) =>
        _authorizer.AuthorizeAsync(request, cancellation);
}
