using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Json;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>Google Vertex AI: the publisher model in the URL, the API version in the body (spec/clouds.md).</summary>
internal sealed class VertexUpstream : CloudUpstream
{
    private static readonly byte[] Version = "\"vertex-2023-10-16\""u8.ToArray();

    private readonly GoogleAuthorizer _authorizer;
    private readonly string _models;
    private readonly string _countTokens;

    public VertexUpstream(VertexUpstreamConfig config, CloudContext context)
        : base(config, context)
    {
        _authorizer = new GoogleAuthorizer(config.Auth, config.Name, context);
        var origin = (config.BaseUrl?.OriginalString ?? $"https://{Host(config.Region)}/v1").TrimEnd('/');
        _models = $"{origin}/projects/{config.ProjectId}/locations/{config.Region}/publishers/anthropic/models/";
        _countTokens = _models + "count-tokens:rawPredict";
    }

    protected override bool KnowsTags => false;

    public override string BuiltInModelId(BuiltInModel model) => model.VertexId;

    protected override Uri Target(UpstreamCall call, string modelId) =>
        call.Operation == MessagesOperation.CountTokens
            ? Verbatim.Uri(_countTokens)
            : Verbatim.Uri(
                _models + Uri.EscapeDataString(modelId).Replace("%40", "@", StringComparison.Ordinal)
                + (call.Message.IsStream ? ":streamRawPredict" : ":rawPredict"));

    protected override ReadOnlyMemory<byte>[] Body(UpstreamCall call, string modelId, string[] betas)
    {
        var edit = new JsonEdit(call.Message.Members).Remove("tags"u8);
        _ = call.Operation == MessagesOperation.CountTokens
            ? edit.Replace("model"u8, JsonEdit.String(modelId))
            : edit.Remove("model"u8);
        return (call.Message.Members.FindLast("anthropic_version"u8) >= 0 ? edit
            : edit.Add("anthropic_version"u8, Version)).Apply();
    }

    protected override ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation) =>
        _authorizer.AuthorizeAsync(request, cancellation);

    /// <summary>The multi-region endpoints have hosts of their own.</summary>
    private static string Host(string region) => region switch
    {
        "global" => "aiplatform.googleapis.com",
        "us" or "eu" => $"aiplatform.{region}.rep.googleapis.com",
        _ => $"{region}-aiplatform.googleapis.com",
    };
}
