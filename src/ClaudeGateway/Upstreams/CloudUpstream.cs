using System.Buffers;
using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// What the clouds have in common: of the client's headers only its SDK's notes are passed on, answers are translated
/// to Anthropic's errors and events, and nothing that names the operator's accounts reaches a developer
/// (spec/clouds.md). What differs, where requests go, how they are authorised and how the body is written, is in the
/// class that derives.
/// </summary>
internal abstract class CloudUpstream(UpstreamConfig config, CloudContext context) : Upstream(config)
{
    private readonly IReadOnlyDictionary<string, string> _headers = config.Headers;

    protected CloudContext Context => context;

    /// <summary>Whether <c>tags</c> and the beta value that announces them are known to this cloud.</summary>
    protected virtual bool KnowsTags => true;

    /// <summary>A whole message may take as long as the model does.</summary>
    public override TimeSpan? FirstByteTimeout(UpstreamCall call) =>
        IsStreamed(call) || call.Operation == MessagesOperation.CountTokens ? context.StreamStartTimeout : null;

    public override async Task<UpstreamResponse> SendAsync(
        UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        var betas = Betas(call);
        using var request = await CreateRequestAsync(call, modelId, betas, cancellation);
        return await ReadAsync(call, await context.Http.SendAsync(request, cancellation), betas, cancellation);
    }

    public override async Task RehearseAsync(UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        using var request = await CreateRequestAsync(call, modelId, Betas(call), cancellation);
    }

    protected static bool IsStreamed(UpstreamCall call) =>
        call.Operation == MessagesOperation.CreateMessage && call.Message.IsStream;

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

    private async Task<UpstreamResponse> ReadAsync(
        UpstreamCall call, HttpResponseMessage response, string[] betas, CancellationToken cancellation)
    {
        try
        {
            if (!response.IsSuccessStatusCode)
            {
                call.IsSent = false;
                return await ReadRefusalAsync(call, response, betas, cancellation);
            }

            var trace = CreateTrace();
            return IsStreamed(call)
                ? new StreamedAnswer(
                    this, response, CreateTranslator(betas, trace), call.Request.Id, context.Clock, context.Log)
                {
                    Guardrail = trace,
                }
                : await ReadWholeAsync(response, trace, cancellation);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<WholeAnswer> ReadRefusalAsync(
        UpstreamCall call, HttpResponseMessage response, string[] betas, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var text = await CloudBody.ReadErrorAsync(response, cancellation);
        LogRefusal(call, status, Encoding.UTF8.GetString(text));
        var (error, failoverStatus) = Translate(call, status, UpstreamErrorBody.Read(text), betas);
        return new WholeAnswer(this, response, error.Status, error.ToJson(call.Request.Id))
        {
            FailoverStatus = failoverStatus,
            IsHopeless = error.Status == (int)HttpStatusCode.NotImplemented,
        };
    }

    private async Task<WholeAnswer> ReadWholeAsync(
        HttpResponseMessage response, GuardrailTrace? trace, CancellationToken cancellation)
    {
        var json = await CloudBody.ReadJsonAsync(response, cancellation);
        return trace is null
            ? new WholeAnswer(this, response, (int)HttpStatusCode.OK, json)
            : new WholeAnswer(this, response, (int)HttpStatusCode.OK, trace.Take((ReadOnlyMemory<byte>)json.ToArray()))
            {
                Guardrail = trace,
            };
    }
}
