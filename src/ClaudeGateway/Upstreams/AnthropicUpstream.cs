using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// An endpoint that speaks the Messages API itself: Anthropic's, or a proxy before it (spec/inference.md, request to
/// the upstream).
/// </summary>
internal sealed class AnthropicUpstream : Upstream
{
    private const string OAuthBeta = "oauth-2025-04-20";

    private readonly AnthropicUpstreamConfig _config;
    private readonly OutboundClient _http;
    private readonly FederationTokens? _federation;
    private readonly TimeSpan _firstByteTimeout;
    private readonly BodyWatch _watch;
    private readonly OperationalLog _log;
    private readonly RequestTarget _messages;
    private readonly RequestTarget _countTokens;

    public AnthropicUpstream(
        AnthropicUpstreamConfig config,
        OutboundClient http,
        TimeSpan firstByteTimeout,
        TimeProvider clock,
        OperationalLog log)
        : base(config)
    {
        _config = config;
        _http = http;
        _firstByteTimeout = firstByteTimeout;
        _watch = new BodyWatch(config.IdleTimeout, clock);
        _log = log;
        var origin = (config.BaseUrl?.OriginalString ?? "https://api.anthropic.com").TrimEnd('/');
        _messages = new RequestTarget(origin + "/v1/messages");
        _countTokens = new RequestTarget(origin + "/v1/messages/count_tokens");
        _federation = config.Auth is AnthropicAuth.Federation federation
            ? new FederationTokens(federation, origin, http, clock)
            : null;
    }

    public override string BuiltInModelId(BuiltInModel model) => model.AnthropicId;

    public override TimeSpan? FirstByteTimeout(UpstreamCall call) => _firstByteTimeout;

    public override Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation) =>
        _federation is null
            ? AnswerAsync(call, modelId, null, cancellation)
            : FederatedAsync(_federation, call, modelId, cancellation);

    private async Task<UpstreamResponse> FederatedAsync(
        FederationTokens federation, UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        var token = await federation.GetAsync(cancellation);
        var response = await AnswerAsync(call, modelId, token, cancellation);
        if (response.Status != StatusCodes.Status401Unauthorized)
        {
            return response;
        }

        // The token was revoked before its time: once more with a new one.
        response.Dispose();
        call.IsSent = false;
        return await AnswerAsync(call, modelId, await federation.RenewAsync(token, cancellation), cancellation);
    }

    private Task<UpstreamResponse> AnswerAsync(
        UpstreamCall call, string modelId, string? federationToken, CancellationToken cancellation)
    {
        return _http.SendAsync(CreateRequest(call, modelId, federationToken), Answer, cancellation);

        UpstreamResponse Answer(HttpResponseMessage message)
        {
            // The message keeps its request, which must not keep its body with it until a long answer ends.
            message.RequestMessage?.Dispose();
            return new AnthropicResponse(this, message, call, _watch, _log);
        }
    }

    private HttpRequestMessage CreateRequest(UpstreamCall call, string modelId, string? federationToken)
    {
        var client = call.Request.Http.Request;
        var target = call.Operation == MessagesOperation.CountTokens ? _countTokens : _messages;
        var request = new HttpRequestMessage(HttpMethod.Post, target.With(client.QueryString.Value))
        {
            Version = HttpVersion.Version11,
            Content = new PiecesContent(Body(call, modelId)) { Call = call },
        };
        ClientHeaders.Copy(call, request);
        AddCredential(request, call, federationToken);
        if (_config.ForwardUserIdentity)
        {
            UserIdentityHeaders.Add(request, call.Principal);
        }

        if (_config.ForwardTraceContext)
        {
            TraceContext.Add(request, client.Headers);
        }

        ConfiguredHeaders.Set(request, _config.Headers);
        return request;
    }

    private void AddCredential(HttpRequestMessage request, UpstreamCall call, string? federationToken)
    {
        var betas = call.Betas.Text(keepTags: !call.StripTags);
        if (_config.Auth is AnthropicAuth.ApiKey apiKey)
        {
            request.Headers.TryAddWithoutValidation("x-api-key", apiKey.Key.Reveal());
        }
        else
        {
            var token = federationToken ?? (_config.Auth is AnthropicAuth.OAuthToken oauth ? oauth.Token.Reveal() : "");
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            betas = ClientHeaders.WithBeta(betas, OAuthBeta);
        }

        if (betas is not null)
        {
            request.Headers.TryAddWithoutValidation("anthropic-beta", betas);
        }
    }

    /// <summary>
    /// The client's bytes; only the model's name is written over when this upstream calls it differently, and tags of
    /// the gateway cut out.
    /// </summary>
    private static ReadOnlyMemory<byte>[] Body(UpstreamCall call, string modelId)
    {
        var message = call.Message;
        var body = message.Body;
        var rename = message.Model != modelId;
        if (call.StripTags && message.TagsValue is not null)
        {
            var edit = new JsonEdit(message.Members).Remove("tags"u8);
            return (rename ? edit.Replace("model"u8, JsonEdit.String(modelId)) : edit).Apply();
        }

        return rename
            ? [body[..message.ModelValue.Start], JsonEdit.String(modelId), body[message.ModelValue.End..]]
            : [body];
    }
}
