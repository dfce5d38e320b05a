using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// Amazon Bedrock's Messages endpoint ("Mantle"): the Messages API itself under AWS credentials (spec/clouds.md).
/// </summary>
internal sealed class MantleUpstream(MantleUpstreamConfig config, CloudContext context)
    : NativeCloudUpstream(config, context, $"https://bedrock-mantle.{config.Region}.api.aws/anthropic")
{
    private readonly AwsAuthorizer _authorizer = new(
        config.Auth, config.AssumeRole, config.Region, "bedrock-mantle", context);

    protected override bool KnowsTags => false;

    public override string? BuiltInModelId(BuiltInModel model) => model.MantleId;

    /// <summary>
    /// Counting is the gateway's own doing: the session of all signs it, as on Bedrock (measured on 2.1.332).
    /// </summary>
    protected override ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation) =>
        _authorizer.AuthorizeAsync(
            request, body, call.Operation == MessagesOperation.CountTokens ? null : call.Principal, cancellation);
}
