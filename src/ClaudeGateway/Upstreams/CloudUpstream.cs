using System.Buffers;
using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Adapting;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// What the clouds have in common: of the client's headers only its SDK's notes are passed on, answers are translated
/// to Anthropic's errors and events, and nothing that names the operator's accounts reaches a developer
/// (spec/clouds.md). What differs, where requests go, how they are authorised and how the body is written, is in the
/// class that derives.
/// </summary>
internal abstract class CloudUpstream(UpstreamConfig config, CloudContext context) : Upstream(config)
{
    /// <summary>More models than an operator configures.</summary>
    private const int MaxModels = 1000;

    private readonly IReadOnlyDictionary<string, string> _headers = config.Headers;
    private readonly bool _forwardsTraceContext = config.ForwardTraceContext;
    private readonly RecentlyUsed<ModelKnowledge> _messages = new(MaxModels, context.Clock);
    private readonly RecentlyUsed<ModelKnowledge> _counts = new(MaxModels, context.Clock);

    protected CloudContext Context => context;

    public BodyWatch Watch { get; } = new(config.IdleTimeout, context.Clock);

    /// <summary>Whether <c>tags</c> and the beta value that announces them are known to this cloud.</summary>
    protected virtual bool KnowsTags => true;

    /// <summary>A whole message may take as long as the model does.</summary>
    public override TimeSpan? FirstByteTimeout(UpstreamCall call) =>
        call.IsStreamed || call.Operation == MessagesOperation.CountTokens ? context.StreamStartTimeout : null;

    public override Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        // What a message may hold and what may be counted differ.
        var known = (call.Operation == MessagesOperation.CountTokens ? _counts : _messages)
            .Get(modelId, context.Clock, static (_, clock) => new ModelKnowledge(clock));
        var betas = BetasOf(call);
        var withheld = betas.Length == 0 ? [] : known.Betas.Withhold(betas);
        var fields = known.RefusedFields() | OptionalField.AnnouncedBy(withheld);
        return SendAsync(Without(call, withheld, fields), modelId, known, cancellation);
    }

    public override async Task RehearseAsync(UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        using var request = await CreateRequestAsync(call, modelId, Betas(call), cancellation);
    }

    /// <summary>The betas this cloud is sent with a request, wherever they stand in it.</summary>
    protected virtual string[] BetasOf(UpstreamCall call) => Betas(call);

    /// <summary>The request without these betas; everything else stays.</summary>
    protected virtual UpstreamCall WithoutBetas(UpstreamCall call, string[] leftOut) =>
        call with { Betas = call.Betas.Without(leftOut) };

    /// <summary>The URL exactly as it is to be sent.</summary>
    protected abstract Uri Target(UpstreamCall call, string modelId);

    /// <summary>The body in pieces that refer to the client's.</summary>
    protected abstract ReadOnlyMemory<byte>[] Body(UpstreamCall call, string modelId, string[] betas);

    /// <summary>Adds the credential; what it signs must not change afterwards.</summary>
    /// <exception cref="UpstreamUnavailableException">There is no credential.</exception>
    protected abstract ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, UpstreamCall call, CancellationToken cancellation);

    /// <summary>Adds what this cloud wants beside the credential.</summary>
    protected virtual void AddHeaders(HttpRequestMessage request, UpstreamCall call, string[] betas)
    {
        if (betas.Length > 0)
        {
            var asWritten = KnowsTags ? call.Betas.Text(keepTags: !call.StripTags) : null;
            request.Headers.TryAddWithoutValidation("anthropic-beta", asWritten ?? string.Join(',', betas));
        }
    }

    /// <summary>What is to take the guardrail's trace out of an answer; null where there is none to expect.</summary>
    protected virtual GuardrailTrace? CreateTrace() => null;

    protected virtual EventTranslator CreateTranslator(string[] betas, GuardrailTrace? trace) =>
        new SseTranslator(betas);

    /// <summary>The client's error for a refusal, and the status the failover rules judge it by.</summary>
    protected virtual (Http.ApiError Error, int FailoverStatus) Translate(
        UpstreamCall call, int status, UpstreamErrorBody body, string[] betas)
    {
        // A redirect is a misconfigured endpoint, not something a client could follow.
        var error = UpstreamErrors.Translate(
            status is < 400 or > 599 ? (int)HttpStatusCode.BadGateway : status, body, betas);
        return (error, error.Status);
    }

    /// <param name="call">Told when all of the body has been sent; null for a request of the gateway's own.</param>
    public static HttpRequestMessage CreateRequest(Uri target, ReadOnlyMemory<byte>[] body, UpstreamCall? call = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, target)
        {
            Version = HttpVersion.Version11,
            Content = new PiecesContent(body) { Call = call },
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", ClientHeaders.UserAgent);
        request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
        return request;
    }

    protected void LogRefusal(UpstreamCall call, int status, string text) =>
        context.Log.Warn($"request {call.Request.Id}: upstream '{Name}' answered {status}: {LogText.Shorten(text)}");

    private string[] Betas(UpstreamCall call) => call.Betas.Values(keepTags: KnowsTags && !call.StripTags);

    private async Task<HttpRequestMessage> CreateRequestAsync(
        UpstreamCall call, string modelId, string[] betas, CancellationToken cancellation)
    {
        var body = Body(call, modelId, betas);
        var request = CreateRequest(Target(call, modelId), body, call);
        try
        {
            SdkHeaders.Add(request, call);
            AddHeaders(request, call, betas);
            if (_forwardsTraceContext)
            {
                TraceContext.Add(request, call.Request.Http.Request.Headers);
            }

            ConfiguredHeaders.Set(request, _headers);
            await AuthorizeAsync(request, body, call, cancellation);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    private UpstreamCall Without(UpstreamCall call, string[] betas, OptionalFields fields) =>
        OptionalField.Without(betas.Length == 0 ? call : WithoutBetas(call, betas), fields);

    private async Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, ModelKnowledge known, CancellationToken cancellation)
    {
        var response = await SendOnceAsync(call, modelId, cancellation);
        try
        {
            if (response.IsSuccessStatusCode)
            {
                known.Betas.Accept(BetasOf(call));
                return await ReadAnswerAsync(call, response, cancellation);
            }

            var refusal = await ReadRefusalAsync(call, response, cancellation);
            if (response.StatusCode != HttpStatusCode.BadRequest || Adapt(call, known, refusal) is not { } adapted)
            {
                return Refused(call, response, refusal);
            }

            response.Dispose();
            return await SendAgainAsync(adapted, modelId, known, cancellation);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>The request to send again; null where the refusal is the client's to react to.</summary>
    private Adapted? Adapt(UpstreamCall call, ModelKnowledge known, UpstreamErrorBody refusal)
    {
        if (BetasOf(call) is { Length: > 0 } betas && UpstreamErrors.IsUnnamedBeta(refusal, betas))
        {
            var (leftOut, learnt) = known.Betas.Refuse(betas);
            var announced = OptionalField.AnnouncedBy(leftOut);
            return new Adapted(Without(call, leftOut, announced), leftOut, announced, learnt);
        }

        var fields = OptionalField.Refused(refusal.Message);
        var rest = OptionalField.Without(call, fields);
        return ReferenceEquals(rest, call) ? null : new Adapted(rest, [], fields, null);
    }

    /// <summary>Whatever it answers now is the answer.</summary>
    private async Task<UpstreamResponse> SendAgainAsync(
        Adapted adapted, string modelId, ModelKnowledge known, CancellationToken cancellation)
    {
        var (call, leftOut, fields, learnt) = adapted;
        int? status = null;
        HttpResponseMessage? response = null;
        try
        {
            response = await SendOnceAsync(call, modelId, cancellation);
            status = (int)response.StatusCode;
            if (response.IsSuccessStatusCode)
            {
                known.Betas.Accept(BetasOf(call));
                known.Refuse(leftOut.Length == 0 ? fields : OptionalFields.None);
                return await ReadAnswerAsync(call, response, cancellation);
            }

            var refusal = await ReadRefusalAsync(call, response, cancellation);
            if (status == 400 && leftOut.Length > 0 && UpstreamErrors.IsUnnamedBeta(refusal, BetasOf(call)))
            {
                known.Betas.RefuseAgain(leftOut, BetasOf(call));
                learnt = null;
            }

            return Refused(call, response, refusal);
        }
        catch
        {
            response?.Dispose();
            throw;
        }
        finally
        {
            call.Add(new RequestAdaptation(Name, modelId, leftOut, OptionalField.Names(fields), learnt, status));
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        using var request = await CreateRequestAsync(call, modelId, Betas(call), cancellation);
        return await context.Http.SendAsync(request, cancellation);
    }

    private async Task<UpstreamResponse> ReadAnswerAsync(
        UpstreamCall call, HttpResponseMessage response, CancellationToken cancellation)
    {
        var trace = CreateTrace();
        return call.IsStreamed
            ? new StreamedAnswer(
                this, response, CreateTranslator(Betas(call), trace), call.Request.Id, Watch, context.Log)
            {
                Guardrail = trace,
            }
            : await ReadWholeAsync(response, trace, cancellation);
    }

    private async Task<UpstreamErrorBody> ReadRefusalAsync(
        UpstreamCall call, HttpResponseMessage response, CancellationToken cancellation)
    {
        call.IsSent = false;
        var text = await CloudBody.ReadErrorAsync(response, Watch, cancellation);
        LogRefusal(call, (int)response.StatusCode, Encoding.UTF8.GetString(text));
        return UpstreamErrorBody.Read(text);
    }

    private WholeAnswer Refused(UpstreamCall call, HttpResponseMessage response, UpstreamErrorBody refusal)
    {
        var (error, failoverStatus) = Translate(call, (int)response.StatusCode, refusal, Betas(call));
        return new WholeAnswer(this, response, error.Status, error.ToJson(call.Request.Id))
        {
            FailoverStatus = failoverStatus,
            OwnWords = refusal.Message,
            RefusesThinking = failoverStatus == 400 && CapabilityRejection.IsThinkingSignature(refusal.Text),
            IsHopeless = error.Status == (int)HttpStatusCode.NotImplemented,
        };
    }

    private async Task<WholeAnswer> ReadWholeAsync(
        HttpResponseMessage response, GuardrailTrace? trace, CancellationToken cancellation)
    {
        var json = await CloudBody.ReadJsonAsync(response, Watch, cancellation);
        return trace is null
            ? new WholeAnswer(this, response, (int)HttpStatusCode.OK, json)
            : new WholeAnswer(this, response, (int)HttpStatusCode.OK, trace.Take((ReadOnlyMemory<byte>)json.ToArray()))
            {
                Guardrail = trace,
            };
    }

    /// <summary>A refused request in the form in which it is sent again.</summary>
    /// <param name="Betas">What it goes without.</param>
    /// <param name="Fields">Also.</param>
    private sealed record Adapted(UpstreamCall Call, string[] Betas, OptionalFields Fields, string? LearntBeta);
}
