using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// Claude Platform on AWS: Anthropic's API in an AWS account, by a workspace key or AWS credentials (spec/clouds.md).
/// </summary>
internal sealed class ClaudePlatformAwsUpstream : NativeCloudUpstream
{
    private readonly ClaudePlatformAwsUpstreamConfig _config;
    private readonly AwsAuthorizer? _authorizer;

    public ClaudePlatformAwsUpstream(ClaudePlatformAwsUpstreamConfig config, CloudContext context)
        : base(config, context, $"https://aws-external-anthropic.{config.Region}.api.aws")
    {
        _config = config;
        _authorizer = config.Auth.ApiKey is null
            ? new AwsAuthorizer(config.Auth, null, config.Region, "aws-external-anthropic", context)
            : null;
    }

    public override string BuiltInModelId(BuiltInModel model) => model.AnthropicId;

    protected override void AddHeaders(HttpRequestMessage request, UpstreamCall call, string[] betas)
    {
        base.AddHeaders(request, call, betas);
        request.Headers.TryAddWithoutValidation("anthropic-workspace-id", _config.WorkspaceId);
    }

    protected override ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation)
    {
        if (_authorizer is not null)
        {
            return _authorizer.AuthorizeAsync(request, body, call.Principal, cancellation);
        }

        request.Headers.TryAddWithoutValidation("x-api-key", _config.Auth.ApiKey!.Reveal());
        return ValueTask.CompletedTask;
    }
}
