using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Json;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// A cloud whose endpoint takes the Messages API's own paths and bodies; only the model is called differently.
/// </summary>
internal abstract class NativeCloudUpstream(UpstreamConfig config, CloudContext context, string defaultOrigin)
    : CloudUpstream(config, context)
{
    private readonly Uri _messages = new(Origin(config, defaultOrigin) + "/v1/messages");
    private readonly Uri _countTokens = new(Origin(config, defaultOrigin) + "/v1/messages/count_tokens");

    protected override Uri Target(UpstreamCall call, string modelId) =>
        call.Operation == MessagesOperation.CountTokens ? _countTokens : _messages;

    protected override ReadOnlyMemory<byte>[] Body(UpstreamCall call, string modelId, string[] betas)
    {
        var edit = new JsonEdit(call.Message.Members).Replace("model"u8, JsonEdit.String(modelId));
        return (KnowsTags && !call.StripTags ? edit : edit.Remove("tags"u8)).Apply();
    }

    private static string Origin(UpstreamConfig config, string defaultOrigin) =>
        (config.BaseUrl?.OriginalString ?? defaultOrigin).TrimEnd('/');
}
