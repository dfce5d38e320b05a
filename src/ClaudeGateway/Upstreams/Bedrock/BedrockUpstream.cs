using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Http;
using ClaudeGateway.Models;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>Amazon Bedrock: InvokeModel, InvokeModelWithResponseStream and CountTokens (spec/clouds.md).</summary>
internal sealed class BedrockUpstream : CloudUpstream
{
    private readonly BedrockUpstreamConfig _config;
    private readonly AwsAuthorizer _authorizer;
    private readonly BedrockTokenCount _count;
    private readonly string _models;

    public BedrockUpstream(BedrockUpstreamConfig config, CloudContext context)
        : base(config, context)
    {
        _config = config;
        _authorizer = new AwsAuthorizer(config.Auth, config.AssumeRole, config.Region, "bedrock", context);
        var domain = config.Region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com";
        _models = (config.BaseUrl?.OriginalString ?? $"https://bedrock-runtime.{config.Region}.{domain}").TrimEnd('/')
            + "/model/";
        _count = new BedrockTokenCount(this, _models, _authorizer, context);
    }

    protected override bool KnowsTags => false;

    public override string BuiltInModelId(BuiltInModel model) =>
        BedrockModelId.InRegion(model.BedrockId, _config.Region, _config.InferenceProfile);

    public override async Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        if (call.Operation == MessagesOperation.CountTokens)
        {
            return await _count.CountAsync(call, modelId, cancellation);
        }

        if ((_config.Guardrail is not null || _config.GuardrailTrace)
            && BedrockBody.FindReservedField(call.Message.Members) is { } field)
        {
            var refusal = ApiError.InvalidRequest(
                $"{field} is not permitted: this gateway applies a guardrail to Bedrock requests");
            return new WholeAnswer(this, null, refusal.Status, refusal.ToJson(call.Request.Id))
            {
                IsGatewaysRefusal = true,
            };
        }

        return await base.SendAsync(call, modelId, cancellation);
    }

    protected override Uri Target(UpstreamCall call, string modelId) =>
        Verbatim.Uri(
            _models + Uri.EscapeDataString(modelId).Replace("%3A", ":", StringComparison.Ordinal)
            + (call.Message.IsStream ? "/invoke-with-response-stream" : "/invoke"));

    protected override ReadOnlyMemory<byte>[] Body(UpstreamCall call, string modelId, string[] betas) =>
        BedrockBody.Invoke(call.Message.Members, betas);

    protected override string[] BetasOf(UpstreamCall call) =>
        BedrockBody.OwnBetas(call.Message.Members) is { Length: > 0 } own
            ? [.. own, .. base.BetasOf(call)] : base.BetasOf(call);

    protected override UpstreamCall WithoutBetas(UpstreamCall call, string[] leftOut)
    {
        var rest = base.WithoutBetas(call, leftOut);
        return BedrockBody.OwnBetas(call.Message.Members).Intersect(leftOut, StringComparer.Ordinal).Any()
            ? rest with
            {
                Message = MessagesRequest.Edited(BedrockBody.WithoutOwnBetas(call.Message.Members, leftOut)),
            }
            : rest;
    }

    /// <summary>Betas are in the body.</summary>
    protected override void AddHeaders(HttpRequestMessage request, UpstreamCall call, string[] betas)
    {
        if (_config.Guardrail is { } guardrail)
        {
            request.Headers.TryAddWithoutValidation("x-amzn-bedrock-guardrailidentifier", guardrail.Id);
            request.Headers.TryAddWithoutValidation("x-amzn-bedrock-guardrailversion", guardrail.Version);
        }

        if (_config.GuardrailTrace)
        {
            request.Headers.TryAddWithoutValidation("x-amzn-bedrock-trace", "ENABLED");
        }
    }

    protected override ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation) =>
        _authorizer.AuthorizeAsync(request, body, call.Principal, cancellation);

    protected override GuardrailTrace? CreateTrace() => _config.GuardrailTrace ? new GuardrailTrace() : null;

    protected override EventTranslator CreateTranslator(string[] betas, GuardrailTrace? trace) =>
        new BedrockTranslator(betas, trace);

    /// <summary>A model this account or region does not have is a 400 here; another upstream may have it.</summary>
    protected override (ApiError Error, int FailoverStatus) Translate(
        UpstreamCall call, int status, UpstreamErrorBody body, string[] betas)
    {
        if (status != 400 || !UpstreamErrors.IsModelUnavailable(body))
        {
            return base.Translate(call, status, body, betas);
        }

        var error = UpstreamErrors.IsInvalidModelIdentifier(body)
            ? ApiError.InvalidRequest($"model {call.Message.Model} is not available on bedrock")
            : UpstreamErrors.BadRequest(body, betas);
        return (error, 404);
    }
}
